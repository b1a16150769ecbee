"""Intercepts every call: authentication before its message is received, request checks before its
method, errors after.

One for all duties, because gRPC awaits each interceptor at every call; the duties are in modules of
their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from server.api.errors import RpcStatus, rpc_status
from server.api.interceptors import call
from server.api.interceptors.authentication import Authentication, require_field_scopes
from server.api.interceptors.budgets import BudgetCheck
from server.api.interceptors.call import Context, Handler
from server.api.interceptors.request_checks import acceptable, complete, reading
from server.api.policies import Policy
from server.domain.errors import NoRoom


class Guard(grpc.aio.ServerInterceptor):
    """Verifies the token, its scope and its brands before the message of a call is received, the
    rules of fields before its method runs, and maps every exception.

    Methods without a policy (gRPC health and reflection) pass as they are.
    """

    def __init__(
        self,
        authentication: Authentication,
        budgets: BudgetCheck,
        policies: Mapping[str, Policy],
        *,
        max_request_bytes: int,
        has_room: Callable[[], bool],
    ) -> None:
        """No method takes more than `max_request_bytes`, and most take less. While there is no
        room, methods that add to what is kept are refused."""
        self._authentication = authentication
        self._budgets = budgets
        self._policies = policies
        self._max_request_bytes = max_request_bytes
        self._has_room = has_room
        self._guarded: dict[str, tuple[Policy, Handler]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The method's handler behind the guard, or one that refuses the call."""
        call.metadata.set(handler_call_details.invocation_metadata or ())
        method = handler_call_details.method
        if method not in self._guarded:
            handler = await continuation(handler_call_details)
            policy = self._policies.get(method)
            if handler is None or policy is None:
                return handler
            self._guarded[method] = (policy, self._guard(method, policy, handler))
        policy, guarded = self._guarded[method]
        try:
            principal = await self._authentication.admit(policy, call.metadata.get())
            if policy.adds and not self._has_room():
                raise NoRoom
        except Exception as error:  # noqa: BLE001 - every fault is answered with the fixed text
            return _refusing(rpc_status(error, method, policy))
        if principal is not None:
            call.principal.set(principal)
        return guarded

    def _guard(self, method: str, policy: Policy, handler: Handler) -> Handler:
        max_bytes = min(policy.max_request_bytes, self._max_request_bytes)
        codec: dict[str, Any] = {
            "request_deserializer": reading(handler.request_deserializer, max_bytes),
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._guard_stream(method, policy, handler.unary_stream), **codec
            )
        return grpc.unary_unary_rpc_method_handler(
            self._guard_unary(method, policy, handler.unary_unary), **codec
        )

    def _guard_unary(self, method: str, policy: Policy, behaviour: Any) -> Any:
        async def guarded(request: Any, context: Context) -> Any:
            try:
                if policy.field_scopes:
                    require_field_scopes(policy, call.current_principal(), request)
                acceptable_request = await self._acceptable(policy, request)
                return await behaviour(acceptable_request, context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - every fault is answered with the fixed text
                await context.abort_with_status(
                    rpc_status(await complete(error, request), method, policy)
                )

        return guarded

    def _guard_stream(self, method: str, policy: Policy, behaviour: Any) -> Any:
        async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
            try:
                if policy.field_scopes:
                    require_field_scopes(policy, call.current_principal(), request)
                acceptable_request = await self._acceptable(policy, request)
                async for response in behaviour(acceptable_request, context):
                    # A stream may last for longer than its token is taken.
                    await self._authentication.admit(policy, call.metadata.get())
                    yield response
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - every fault is answered with the fixed text
                await context.abort_with_status(
                    rpc_status(await complete(error, request), method, policy)
                )

        return guarded

    async def _acceptable(self, policy: Policy, request: Any) -> Any:
        """The request, within the budgets of its brand, its fields by their rules."""
        if not policy.public and isinstance(request, Message):
            await self._budgets.take(call.current_principal(), policy, request)
        return await acceptable(request)


def _refusing(status: RpcStatus) -> Handler:
    """Answers before the message is received: gRPC reads that of a handler which takes a stream
    only when it is asked to."""

    async def refuse(_requests: Any, context: Context) -> None:
        await context.abort_with_status(status)

    return grpc.stream_unary_rpc_method_handler(refuse)
