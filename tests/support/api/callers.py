"""Clients of the two transports, driven by the descriptors: the same call goes over gRPC or
REST."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import grpc
import httpx
from google.api import annotations_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from carillon.options.v1 import options_pb2
from server.api.policies import method_policies, service_descriptors
from tests.support.api.answers import Answer, to_json
from tests.support.api.refusals import check_refusal
from tests.support.api.running import Running

METHODS: dict[str, MethodDescriptor] = {
    f"{service.full_name.removeprefix('carillon.').replace('.v1.', '.')}/{method.name}": method
    for service in service_descriptors()
    for method in service.methods
}
"""By short name, e.g. `comms.CampaignService/SendCampaign`."""
POLICIES = method_policies()


class Caller(Protocol):
    """A client with a token."""

    async def call(
        self,
        name: str,
        request: Mapping[str, Any],
        *,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Calls a method of METHODS. `token` replaces the client's own ("" sends none); `key` is an
        idempotency key; `headers` are more of them. A raw request may have `headers` beside its
        body."""
        ...


def success_status(method: MethodDescriptor) -> int:
    """The HTTP status of a method's success, by its options."""
    return method.GetOptions().Extensions[options_pb2.method].success_status or 200


def full_path(method: MethodDescriptor) -> str:
    """The gRPC path of a method."""
    return f"/{method.containing_service.full_name}/{method.name}"


@dataclass
class GrpcCaller:
    """Calls over gRPC."""

    channel: grpc.aio.Channel
    token: str

    async def call(
        self,
        name: str,
        request: Mapping[str, Any],
        *,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 30,
    ) -> Answer:
        rest, headers = dict(request), headers or {}
        if is_raw(name):
            headers = rest.pop("headers", headers)
        message = json_format.ParseDict(
            rest, message_factory.GetMessageClass(METHODS[name].input_type)()
        )
        answer = await self.call_message(
            name, message, token=token, key=key, seconds=seconds, headers=headers
        )
        if answer.status >= 400:
            check_refusal(answer.body, request)
        return answer

    async def call_message(
        self,
        name: str,
        message: Message,
        *,
        token: str | None = None,
        key: str | None = None,
        seconds: float = 30,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Calls with a message JSON could not say. Of a stream, the answer is the first message."""
        method = METHODS[name]
        codec: dict[str, Any] = {
            "request_serializer": type(message).SerializeToString,
            "response_deserializer": message_factory.GetMessageClass(method.output_type).FromString,
        }
        options: dict[str, Any] = {
            "metadata": (
                *_metadata(self.token if token is None else token, key),
                *(headers or {}).items(),
            ),
            "timeout": seconds,
        }
        try:
            if method.server_streaming:
                response = await anext(
                    aiter(self.channel.unary_stream(full_path(method), **codec)(message, **options))
                )
            else:
                response = await self.channel.unary_unary(full_path(method), **codec)(
                    message, **options
                )
        except grpc.aio.AioRpcError as error:
            return refusal_in(error)
        return Answer(success_status(method), to_json(response))


@dataclass
class RestCaller:
    """Calls over REST, through Envoy."""

    client: httpx.AsyncClient
    token: str

    async def call(
        self,
        name: str,
        request: Mapping[str, Any],
        *,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        verb, path, rest = bind(METHODS[name], request)
        headers = {
            **dict(_metadata(self.token if token is None else token, key)),
            **(headers or {}),
        }
        carried: dict[str, Any] = {"params": rest} if verb in ("GET", "DELETE") else {"json": rest}
        if is_raw(name):
            headers |= {"content-type": "application/json", **rest.get("headers", {})}
            carried = {"content": base64.b64decode(rest.get("data", ""))}
        return answer_of(await self.client.request(verb, path, headers=headers, **carried), request)


def caller(transport: str, running: Running, brand: str) -> Caller:
    """A client over `grpc` or `rest`."""
    if transport == "grpc":
        return GrpcCaller(running.channel, running.token(brand))
    return RestCaller(running.http, running.token(brand))


def takes_body(method: str) -> bool:
    """Whether REST carries the request in a body."""
    return bool(METHODS[method].GetOptions().Extensions[annotations_pb2.http].body)


def is_raw(method: str) -> bool:
    """Whether the body is the server's to read, as it was sent."""
    return METHODS[method].input_type.full_name == "google.api.HttpBody"


def takes_json(method: str) -> bool:
    """Whether the body is JSON that the gateway reads."""
    return takes_body(method) and not is_raw(method)


def path_fields(method: MethodDescriptor) -> list[str]:
    """The fields that REST carries in the path."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb: Any = rule.WhichOneof("pattern")
    return re.findall(r"\{(\w+)\}", getattr(rule, verb))


def bind(method: MethodDescriptor, request: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """HTTP method, path, and what is left for the body or the query, by the method's
    `google.api.http` rule."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    rest = dict(request)
    path = re.sub(
        r"\{(\w+)\}",
        lambda match: quote(str(rest.pop(match.group(1))), safe=""),
        getattr(rule, verb),
    )
    return verb.upper(), path, rest


def answer_of(response: httpx.Response, request: Mapping[str, Any] | None = None) -> Answer:
    """The answer in an HTTP response; its body must be JSON, whoever made it."""
    assert response.headers["content-type"] == "application/json", response.headers
    answer = Answer(response.status_code, json.loads(response.content), dict(response.headers))
    if answer.status >= 400:
        check_refusal(answer.body, request or {})
    return answer


def _metadata(token: str, key: str | None) -> tuple[tuple[str, str], ...]:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    return metadata if key is None else (*metadata, ("idempotency-key", key))


_TOLD = ("retry-after", "ratelimit", "ratelimit-policy")


def refusal_in(error: grpc.aio.AioRpcError) -> Answer:
    """The refusal in a gRPC error."""
    trailing = dict(error.trailing_metadata() or ())
    assert "grpc-status-details-bin" in trailing, error
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    details: dict[str, Any] = {}
    for detail in status.details:
        if detail.Unpack(info):
            assert info.domain == "carillon"
            details |= dict(info.metadata)
        elif detail.Unpack(bad_request):
            details["fields"] = [
                {"field": v.field, "message": v.description} for v in bad_request.field_violations
            ]
    body: dict[str, Any] = {"error": info.reason.lower(), "message": status.message}
    headers = {name: str(value) for name, value in trailing.items() if name in _TOLD}
    return Answer(
        int(trailing["x-http-code"]), body | ({"details": details} if details else {}), headers
    )
