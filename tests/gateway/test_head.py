"""HEAD: as GET, without the body (RFC 9110, 9.3.2)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from google.api import annotations_pb2, httpbody_pb2
from google.protobuf.message_factory import GetMessageClass

from carillon.messaging.v1 import send_pb2
from server.api.policies import service_descriptors
from tests.support.upstream import Context, Upstream, error_info, failing, returning

UNSUBSCRIBE = "carillon.comms.v1.UnsubscribeService"
READS = {
    f"{service.full_name}/{method.name}": method
    for service in service_descriptors()
    for method in service.methods
    if method.GetOptions().Extensions[annotations_pb2.http].WhichOneof("pattern") == "get"
}
FRAMING = ("content-length", "transfer-encoding")
"""Differ where an answer is Envoy's own: to HEAD it is not known how long it would be."""
STREAMS = {rpc: method for rpc, method in READS.items() if method.server_streaming}


def path_of(method: Any) -> str:
    """A path of the method."""
    path: str = method.GetOptions().Extensions[annotations_pb2.http].get
    return re.sub(r"\{\w+\}", "a", path.replace("{channel}", "email"))


async def both(rest: httpx.AsyncClient, path: str) -> tuple[httpx.Response, httpx.Response]:
    """The answers to HEAD and GET, on one connection: bytes of a body after the first would be
    taken for the second."""
    return await rest.head(path), await rest.get(path)


def but_for(response: httpx.Response, *names: str) -> tuple[int, dict[str, str]]:
    """Status and headers without the date and these."""
    return response.status_code, {
        name: value for name, value in response.headers.items() if name not in ("date", *names)
    }


@pytest.mark.parametrize("rpc", READS.keys() - STREAMS.keys())
async def test_every_path_that_has_get_has_head(
    rest: httpx.AsyncClient, upstream: Upstream, rpc: str
) -> None:
    async def page(_request: object, context: Context) -> httpbody_pb2.HttpBody:
        await context.send_initial_metadata((("content-security-policy", "default-src 'none'"),))
        return httpbody_pb2.HttpBody(content_type="text/html; charset=utf-8", data=b"<p>")

    is_page = rpc.startswith(UNSUBSCRIBE)
    upstream.replies[rpc] = (
        page if is_page else returning(GetMessageClass(READS[rpc].output_type)())
    )
    head, get = await both(rest, path_of(READS[rpc]))
    assert (head.status_code, head.content) == (200, b"")
    assert but_for(head) == but_for(get)
    assert head.headers["content-length"] == str(len(get.content))
    assert len(upstream.requests) == 2
    assert upstream.requests[0] == upstream.requests[1]


@pytest.mark.parametrize("rpc", STREAMS)
async def test_a_stream_has_no_head(rest: httpx.AsyncClient, upstream: Upstream, rpc: str) -> None:
    async def watch(_request: object, _context: Context) -> AsyncIterator[send_pb2.Send]:
        yield send_pb2.Send()

    upstream.streams[rpc] = watch
    response = await rest.head(path_of(STREAMS[rpc]))
    assert (response.status_code, response.headers["allow"], response.content) == (405, "GET", b"")
    assert upstream.requests == []


async def test_a_refusal_of_the_server_has_the_status_and_headers_of_get(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies["carillon.messaging.v1.PersonService/GetPerson"] = failing(
        grpc.StatusCode.UNAUTHENTICATED, "no token", error_info("UNAUTHENTICATED"), http_code=401
    )
    head, get = await both(rest, "/v1/people/a")
    assert (head.status_code, head.content, head.headers["www-authenticate"]) == (
        401,
        b"",
        "Bearer",
    )
    assert but_for(head) == but_for(get)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nope", 404),
        ("/v1/people/%", 400),
        ("/v1/people/a?nope=1", 400),
        ("/v1/admin/campaigns?status=x", 422),
    ],
)
async def test_a_refusal_of_the_gateway_has_the_status_of_get(
    rest: httpx.AsyncClient, upstream: Upstream, path: str, status: int
) -> None:
    head, get = await both(rest, path)
    assert (head.status_code, head.content) == (status, b"")
    assert but_for(head, *FRAMING) == but_for(get, *FRAMING)
    assert head.headers.get("content-length", str(len(get.content))) == str(len(get.content))


async def test_a_server_that_is_down_is_503(
    rest: httpx.AsyncClient, upstream: Upstream, settings: Any
) -> None:
    await upstream.stop()
    try:
        head, get = await both(rest, "/healthz")
    finally:
        await upstream.start(settings.grpc_port)
    assert (head.status_code, head.content) == (503, b"")
    assert but_for(head, *FRAMING) == but_for(get, *FRAMING)


async def test_head_with_a_body_is_refused(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await rest.request("HEAD", "/v1/people/a", content=b"{}")
    assert (response.status_code, response.content) == (400, b"")
    assert upstream.requests == []


async def test_a_path_without_get_has_no_head(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await rest.head("/v1/messaging/campaigns/c1/publish")
    assert (response.status_code, response.headers["allow"], response.content) == (405, "POST", b"")


async def test_head_of_a_link_only_looks_at_the_page(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def page(_request: object, _context: Context) -> httpbody_pb2.HttpBody:
        return httpbody_pb2.HttpBody(content_type="text/html; charset=utf-8", data=b"<p>")

    # Unsubscribing would fail: it has no reply.
    upstream.replies[f"{UNSUBSCRIBE}/ShowUnsubscribePage"] = page
    response = await rest.head("/v1/unsubscribe/token-1?utm_source=news")
    assert (response.status_code, response.content, response.headers["content-length"]) == (
        200,
        b"",
        "3",
    )
