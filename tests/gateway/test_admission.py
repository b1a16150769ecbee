"""What is judged by the head of a request, before any of its body is taken: the token, the length,
and, before a large body, what the server says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest

from carillon.messaging.v1 import person_service_pb2, segment_service_pb2
from server.api.policies import DEFAULT_REQUEST_BYTES, method_policies
from server.config import Settings
from tests.gateway.conftest import MAX_REQUEST_BYTES, client_of
from tests.gateway.test_refusals import error
from tests.support.api.callers import METHODS, POLICIES, bind, full_path, path_fields, takes_body
from tests.support.upstream import Upstream, returning

SEGMENTS = "carillon.messaging.v1.SegmentService"
SMALL = 64 * 1024
REFUSED = '{"error": "scope_missing", "message": "no", "details": {"scope": "write:segments"}}'


def head(method: str, *lines: str) -> bytes:
    """The head of a request to a method of METHODS, whose body does not come."""
    verb, path, _ = bind(METHODS[method], dict.fromkeys(path_fields(METHODS[method]), "x"))
    return "\r\n".join([f"{verb} {path} HTTP/1.1", "host: x", *lines, "", ""]).encode()


async def answer_to(settings: Settings, request: bytes) -> tuple[int, str]:
    """Status and code of the answer, although no more is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.rest_port)
    writer.write(request)
    async with asyncio.timeout(10):
        first = await reader.readuntil(b"\r\n")
        rest = await reader.readuntil(b"}")
    writer.close()
    return int(first.split()[1]), rest.decode().partition('{"error":"')[2].partition('"')[0]


GUARDED = [name for name, method in METHODS.items() if not POLICIES[full_path(method)].public]


async def test_without_a_token_no_body_is_awaited(
    gateway: object, upstream: Upstream, settings: Settings
) -> None:
    sent = ("content-type: application/json", "content-length: 20")
    for method in filter(takes_body, GUARDED):
        for token in ((), ("authorization: Basic dDp0",), ("authorization: Bearer",)):
            answer = await answer_to(settings, head(method, *sent, *token))
            assert answer == (401, "unauthenticated"), (method, token)
    assert upstream.requests == upstream.judged == []


async def test_the_answer_to_a_request_without_a_token_says_what_is_asked_for(
    gateway: object, upstream: Upstream, settings: Settings
) -> None:
    async with client_of(settings) as rest:
        del rest.headers["authorization"]
        response = await rest.get("/v1/messaging/segments")
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json() == {
            "error": "unauthenticated",
            "message": "a bearer token is required",
        }
        response = await rest.get("/v1/messaging/segments", headers={"authorization": "t"})
        assert response.json() == {
            "error": "unauthenticated",
            "message": "the authorization header must be 'Bearer <token>'",
        }


@pytest.mark.parametrize(
    "length", [f"content-length: {SMALL + 1}", "transfer-encoding: chunked"], ids=["large", "any"]
)
async def test_before_a_large_body_the_server_is_asked(
    gateway: object, upstream: Upstream, settings: Settings, length: str
) -> None:
    upstream.refusal = (403, REFUSED)
    request = head(
        "messaging.SegmentService/CreateSegment",
        "content-type: application/json",
        "authorization: Bearer t",
        length,
    )
    assert (await answer_to(settings, request))[0] == 403
    (asked,) = upstream.judged
    assert asked["authorization"] == "Bearer t"
    assert asked["x-judged-method"] == f"/{SEGMENTS}/CreateSegment"
    assert upstream.requests == []


async def test_what_the_server_answers_is_the_answer(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.refusal = (403, REFUSED)
    response = await rest.post("/v1/messaging/segments", json={"name": "x" * SMALL})
    assert (response.status_code, response.text) == (403, REFUSED)


async def test_a_server_that_does_not_answer_the_question_is_unavailable(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.refusal = (0, "")
    response = await rest.post("/v1/messaging/segments", json={"name": "x" * SMALL})
    assert error(response) == (503, "unavailable")
    assert upstream.requests == []


async def test_what_was_admitted_passes_whole(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.replies[f"{SEGMENTS}/CreateSegment"] = returning(segment_service_pb2.Segment())
    name = "x" * (2 * SMALL)

    async def pieces() -> AsyncIterator[bytes]:
        for piece in ('{"name": "', name[:SMALL], name[SMALL:], '"}'):
            yield piece.encode()

    headers = {"content-type": "application/json"}
    for content in (f'{{"name": "{name}"}}', pieces()):
        response = await rest.post("/v1/messaging/segments", content=content, headers=headers)
        assert response.status_code == 201
    assert [request.name for request in upstream.requests] == [name, name]  # type: ignore[attr-defined]
    assert len(upstream.judged) == 2


async def test_a_small_body_asks_nobody(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.replies[f"{SEGMENTS}/CreateSegment"] = returning(segment_service_pb2.Segment())
    upstream.refusal = (403, REFUSED)
    assert (await rest.post("/v1/messaging/segments", json={})).status_code == 201
    assert upstream.judged == []


async def test_a_body_may_be_as_large_as_its_method_says_and_no_larger(
    gateway: object, upstream: Upstream, settings: Settings
) -> None:
    for method in filter(takes_body, GUARDED):
        limit = min(POLICIES[full_path(METHODS[method])].max_request_bytes, MAX_REQUEST_BYTES)
        request = head(
            method,
            "content-type: application/json",
            "authorization: Bearer t",
            f"content-length: {limit + 1}",
        )
        assert await answer_to(settings, request) == (413, "payload_too_large"), method


def test_what_takes_more_than_most_is_known() -> None:
    large = {
        method.rpartition(".")[2]
        for method, policy in method_policies().items()
        if policy.max_request_bytes > DEFAULT_REQUEST_BYTES
    }
    assert large == {
        "CampaignService/SendCampaign",
        "CampaignService/PublishCampaign",
        "CampaignService/PreviewCampaign",
        "MessageService/BatchScheduleMessages",
        "SuppressionService/BatchCreateSuppressions",
        "PersonService/BatchPutPeople",
        "TemplateService/CreateTemplateVersion",
    }


async def test_a_message_over_grpc_is_passed_on_up_to_the_limit(
    gateway: object, upstream: Upstream, settings: Settings
) -> None:
    upstream.replies["carillon.messaging.v1.PersonService/PutPerson"] = returning(
        person_service_pb2.Person()
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.rest_port}") as channel:
        put: Any = channel.unary_unary("/carillon.messaging.v1.PersonService/PutPerson")
        # A field that nobody knows, and its length in three bytes.
        taken = b"\xfa\x3f\xfb\xff\x0f" + b"x" * (MAX_REQUEST_BYTES - 5)
        await put(taken)
        for length in (MAX_REQUEST_BYTES + 1, 20 * MAX_REQUEST_BYTES):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await put(b"x" * length)
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert f"({MAX_REQUEST_BYTES + 1} vs" in (refused.value.details() or "")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "x-brand-id"])
async def test_headers_that_are_not_utf8_are_400(
    rest: httpx.AsyncClient, upstream: Upstream, name: str
) -> None:
    headers = [(name.encode(), b"Bearer \xff\xfe")]
    response = await rest.get("/v1/messaging/segments", headers=headers)
    assert error(response) == (400, "malformed_request")
    assert upstream.requests == []


async def test_what_a_method_without_a_body_gets_of_unknown_length_is_not_held(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * SMALL

    response = await rest.request("GET", "/v1/messaging/segments", content=pieces())
    assert error(response) == (413, "payload_too_large")
    assert upstream.requests == []
