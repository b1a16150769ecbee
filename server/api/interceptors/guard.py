"""What stands before every method: who is calling, may they, and what they are told when it
fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError, Message

from server.api.errors import HTTP_CODE_KEY, rpc_status
from server.api.forms import OVERSIZED, find_misfits, find_oversized
from server.api.interceptors.known_brands import KnownBrands
from server.api.policies import Policy
from server.domain.access import Principal
from server.domain.errors import CarillonError, MalformedRequest, Unauthenticated, ValidationFailed
from server.rules.faults import find_faults, takes_long
from server.runtime.tokens import Tokens

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = grpc.aio.ServicerContext[Any, Any]
else:  # grpcio's classes are generic only in their stubs
    Handler = grpc.RpcMethodHandler
    Context = grpc.aio.ServicerContext

Metadata = tuple[tuple[str, str | bytes], ...]

_principal: ContextVar[Principal] = ContextVar("principal")
_metadata: ContextVar[Metadata] = ContextVar("metadata")


def current_principal() -> Principal:
    """The verified caller of the method that is running."""
    return _principal.get()


def current_metadata(name: str) -> str | None:
    """The value of this name in the metadata of the call that is running. Raises ValidationFailed
    if there are several.

    A context would make the metadata anew every time it is asked for them.
    """
    values = [value for key, value in _metadata.get() if key == name and isinstance(value, str)]
    if len(values) > 1:
        raise ValidationFailed.of(name, "must be given only once")
    return values[0] if values else None


class Guard(grpc.aio.ServerInterceptor):
    """Verifies the token, checks its scope, that its brands exist, and the rules of fields; sets
    the HTTP status, and maps every exception.

    Methods without a policy (gRPC health and reflection) pass as they are.
    """

    def __init__(self, tokens: Tokens, brands: KnownBrands, policies: Mapping[str, Policy]) -> None:
        self._tokens = tokens
        self._brands = brands
        self._policies = policies
        self._guarded: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The method's handler behind the guard."""
        _metadata.set(handler_call_details.invocation_metadata or ())
        method = handler_call_details.method
        if method not in self._guarded:
            handler = await continuation(handler_call_details)
            policy = self._policies.get(method)
            if handler is None or policy is None:
                return handler
            self._guarded[method] = self._guard(method, policy, handler)
        return self._guarded[method]

    def _guard(self, method: str, policy: Policy, handler: Handler) -> Handler:
        codec: dict[str, Any] = {
            "request_deserializer": _reading(handler.request_deserializer),
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
        metadata = _success_metadata(policy)

        async def guarded(request: Any, context: Context) -> Any:
            try:
                await self._admit(policy)
                response = await behaviour(await _acceptable(request), context)
                if metadata:
                    # In the trailers, which leave with the answer: initial metadata of our own
                    # would take an operation of its own.
                    context.set_trailing_metadata(metadata)
                return response
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - every fault is answered with the fixed text
                await context.abort_with_status(
                    rpc_status(await _complete(error, request), method, policy)
                )

        return guarded

    def _guard_stream(self, method: str, policy: Policy, behaviour: Any) -> Any:
        async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
            try:
                await self._admit(policy)
                async for response in behaviour(await _acceptable(request), context):
                    yield response
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - every fault is answered with the fixed text
                await context.abort_with_status(
                    rpc_status(await _complete(error, request), method, policy)
                )

        return guarded

    async def _admit(self, policy: Policy) -> None:
        if policy.public:
            return
        principal = self._tokens.verify(_bearer_token())
        principal.require_scope(policy.scope)
        if not self._brands.have(principal.brands):
            await self._brands.require(principal.brands)
        _principal.set(principal)


def _reading(deserialize: Any) -> Callable[[bytes], Message | CarillonError]:
    """Reads a request, or says why it cannot be. gRPC would answer an exception with its text, and
    before anybody asked for a token."""

    def read(data: bytes) -> Message | CarillonError:
        try:
            message: Message = deserialize(data)
        except DecodeError:
            return MalformedRequest()
        oversized = find_oversized(message) if len(data) > OVERSIZED else []
        return ValidationFailed(oversized) if oversized else message

    return read


async def _acceptable(request: Message | CarillonError) -> Message:
    """The request. Raises why it could not be read, or ValidationFailed with every field that
    breaks a rule of its proto."""
    if isinstance(request, CarillonError):
        raise request
    faults = (
        await asyncio.to_thread(find_faults, request)
        if takes_long(request)
        else find_faults(request)
    )
    if faults:
        raise ValidationFailed(faults)
    return request


async def _complete(error: Exception, request: Message | CarillonError) -> Exception:
    """The error; one about fields with all else that is wrong with fields of the request."""
    if not isinstance(error, ValidationFailed) or not isinstance(request, Message):
        return error
    told = {violation.field for violation in error.violations}
    misfits = await asyncio.to_thread(find_misfits, request)
    return ValidationFailed(
        [*error.violations, *(misfit for misfit in misfits if misfit.field not in told)]
    )


def _success_metadata(policy: Policy) -> tuple[tuple[str, str], ...]:
    return () if policy.success_status == 200 else ((HTTP_CODE_KEY, str(policy.success_status)),)


def _bearer_token() -> str:
    authorization = current_metadata("authorization")
    if authorization is None:
        raise Unauthenticated("a bearer token is required")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the authorization header must be 'Bearer <token>'")
    return token.strip()
