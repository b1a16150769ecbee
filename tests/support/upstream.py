"""A real gRPC server that says what a test tells it to, in place of Carillon's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_status import rpc_status

from server.api.admission import ADMITTED_KEY, ERROR_BODY_KEY, METHOD, SERVICE
from server.api.errors import HTTP_CODE_KEY
from server.api.policies import service_descriptors

Context = grpc.aio.ServicerContext[Any, Any]
Reply = Callable[[Any, Context], Awaitable[Message]]
Stream = Callable[[Any, Context], AsyncIterator[Message]]


class Upstream:
    """Answers each method with the reply set for it; remembers the requests it got."""

    def __init__(self, *, max_receive_bytes: int = 128 * 1024 * 1024) -> None:
        self.replies: dict[str, Reply] = {}
        self.streams: dict[str, Stream] = {}
        self.requests: list[Message] = []
        self.metadata: list[dict[str, str]] = []
        self.refusal: tuple[int, str] | None = None
        """HTTP status and body of the answer to the gateway, when it asks whether a body is worth
        taking; None: it is."""
        self.judged: list[dict[str, str]] = []
        """What it asked with."""
        self._health = HealthServicer()
        self._max_receive_bytes = max_receive_bytes
        self._server: grpc.aio.Server | None = None

    async def start(self, port: int) -> None:
        options = [
            ("grpc.max_receive_message_length", self._max_receive_bytes),
            ("grpc.so_reuseport", 0),
        ]
        self._server = grpc.aio.server(options=options)
        self._server.add_generic_rpc_handlers(
            [self._handler(service) for service in service_descriptors()]
        )
        self._server.add_generic_rpc_handlers([self._admission()])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()

    async def stop(self, grace: float | None = None) -> None:
        if self._server is not None:
            await self._server.stop(grace)
            self._server = None

    async def say(self, *, serving: bool) -> None:
        """What health checks hear from now on; SERVING until told otherwise."""
        status = (
            health_pb2.HealthCheckResponse.SERVING
            if serving
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        await self._health.set("", status)

    def _admission(self) -> grpc.GenericRpcHandler:
        async def judge(_messages: Any, context: Context) -> bytes:
            self.judged.append(
                {key: str(value) for key, value in context.invocation_metadata() or ()}
            )
            if self.refusal is not None:
                status, body = self.refusal
                refused = ((HTTP_CODE_KEY, str(status)), (ERROR_BODY_KEY, body))
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "refused", refused)
            await context.send_initial_metadata(((ADMITTED_KEY, "true"),))
            return b""

        return grpc.method_handlers_generic_handler(
            SERVICE, {METHOD: grpc.stream_unary_rpc_method_handler(judge)}
        )

    def _handler(self, service: Any) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            service.full_name, {method.name: self._method(method) for method in service.methods}
        )

    def _method(self, method: Any) -> Any:
        rpc = f"{method.containing_service.full_name}/{method.name}"
        kind = (
            grpc.unary_stream_rpc_method_handler
            if method.server_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        answer = self._streaming(rpc) if method.server_streaming else self._unary(rpc)
        return kind(
            answer,
            GetMessageClass(method.input_type).FromString,
            lambda message: message.SerializeToString(),
        )

    def _unary(self, rpc: str) -> Any:
        async def answer(request: Message, context: Context) -> Message:
            self._remember(request, context)
            return await self.replies[rpc](request, context)

        return answer

    def _streaming(self, rpc: str) -> Any:
        async def answer(request: Message, context: Context) -> AsyncIterator[Message]:
            self._remember(request, context)
            async for message in self.streams[rpc](request, context):
                yield message

        return answer

    def _remember(self, request: Message, context: Context) -> None:
        self.requests.append(request)
        self.metadata.append(
            {key: str(value) for key, value in context.invocation_metadata() or ()}
        )


def returning(message: Message) -> Reply:
    """A reply that succeeds with `message`."""

    async def reply(_request: Message, _context: Context) -> Message:
        return message

    return reply


def failing(
    code: grpc.StatusCode,
    message: str,
    *details: Message,
    http_code: int | None = None,
    after_metadata: bool = False,
) -> Reply:
    """A reply that fails; `after_metadata` sends initial metadata first, so that the status comes
    in trailers of its own."""

    async def reply(_request: Message, context: Context) -> Message:
        if after_metadata:
            await context.send_initial_metadata((("x-something", "1"),))
        raise AssertionError(await abort(context, code, message, *details, http_code=http_code))

    return reply


async def abort(
    context: Context,
    code: grpc.StatusCode,
    message: str,
    *details: Message,
    http_code: int | None = None,
) -> Any:
    """Ends the call with a google.rpc.Status, the HTTP status in the status object's own trailing
    metadata."""
    packed = []
    for detail in details:
        any_detail = any_pb2.Any()
        any_detail.Pack(detail)
        packed.append(any_detail)
    status = rpc_status.to_status(
        status_pb2.Status(code=code.value[0], message=message, details=packed)
    )
    extra: Sequence[tuple[str, str]] = (
        (("x-http-code", str(http_code)),) if http_code is not None else ()
    )
    await context.abort_with_status(
        _Status(status.code, status.details, (*status.trailing_metadata, *extra))
    )


class _Status(grpc.Status):
    def __init__(self, code: grpc.StatusCode, details: str, trailing_metadata: Any) -> None:
        self.code, self.details, self.trailing_metadata = code, details, trailing_metadata


def error_info(reason: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    """An ErrorInfo in Carillon's domain."""
    return error_details_pb2.ErrorInfo(reason=reason, domain="carillon", metadata=metadata)


def bad_request(**fields: str) -> error_details_pb2.BadRequest:
    """A BadRequest with one violation per field."""
    violations = [
        error_details_pb2.BadRequest.FieldViolation(field=field, description=text)
        for field, text in fields.items()
    ]
    return error_details_pb2.BadRequest(field_violations=violations)
