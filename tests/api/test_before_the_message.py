"""A call is judged by its metadata: what is refused, is refused before its message is received."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from server.api.policies import DEFAULT_REQUEST_BYTES, all_scopes
from tests.api.test_access import GUARDED
from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, POLICIES, full_path, refusal_in
from tests.support.api.running import Running
from tests.support.api.untouched import Untouched

SEGMENTS_URL = "/v1/messaging/segments"
NO_MESSAGE_COMES = 5.0
"""Seconds after which a server that waits for the message gives up; no refusal takes long."""


async def refusal_without_message(
    channel: grpc.aio.Channel, method: str, token: str | None
) -> Answer:
    """The refusal of a call whose message never comes."""
    rpc: Any = channel.stream_stream(full_path(METHODS[method]))
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    running = rpc(metadata=metadata, timeout=NO_MESSAGE_COMES)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await running.read()
    return refusal_in(refused.value)


@pytest.fixture(params=["grpc_port", "rest_port"])
async def channel(request: pytest.FixtureRequest, untouched_grpc: Untouched) -> Any:
    """A client of each of the ports that take gRPC."""
    port = getattr(untouched_grpc.running.settings, request.param)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as one:
        yield one


def without(running: Running, brand: str, scope: str) -> str:
    return running.token(brand, scopes=[other for other in all_scopes() if other != scope])


async def test_without_a_token_no_message_is_awaited(
    channel: grpc.aio.Channel, untouched_grpc: Untouched
) -> None:
    for method in GUARDED:
        for token in (None, "", "garbage"):
            answer = await refusal_without_message(channel, method, token)
            assert (answer.status, answer.error) == (401, "unauthenticated"), method


async def test_without_the_scope_no_message_is_awaited(
    channel: grpc.aio.Channel, untouched_grpc: Untouched
) -> None:
    for method in GUARDED:
        for scope in POLICIES[full_path(METHODS[method])].scopes:
            token = without(untouched_grpc.running, untouched_grpc.brand, scope)
            answer = await refusal_without_message(channel, method, token)
            assert (answer.status, answer.error, answer.body["details"]) == (
                403,
                "scope_missing",
                {"scope": scope},
            ), method


async def test_of_a_person_or_a_brand_that_is_not_there_no_message_is_awaited(
    channel: grpc.aio.Channel, untouched_grpc: Untouched
) -> None:
    tokens = untouched_grpc.running.service.keys.tokens
    person = tokens.mint("tester", [untouched_grpc.brand], all_scopes(), is_person=True)
    nobodys = tokens.mint("tester", ["brand-that-is-not-there"], all_scopes())
    for method in GUARDED:
        answer = await refusal_without_message(channel, method, nobodys)
        assert (answer.status, answer.error) == (403, "brand_unknown"), method
        if POLICIES[full_path(METHODS[method])].services_only:
            answer = await refusal_without_message(channel, method, person)
            assert (answer.status, answer.error) == (403, "services_only"), method


async def test_a_message_larger_than_its_method_takes_is_not_read(
    untouched_grpc: Untouched,
) -> None:
    metadata = (("authorization", f"Bearer {untouched_grpc.api.token}"),)  # type: ignore[attr-defined]
    for method in METHODS:
        limit = POLICIES[full_path(METHODS[method])].max_request_bytes
        if limit > DEFAULT_REQUEST_BYTES:
            continue
        rpc: Any = untouched_grpc.running.channel.unary_unary(full_path(METHODS[method]))
        for size, status in ((limit, 400), (limit + 1, 413)):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                # No message begins with this byte.
                await rpc(b"\xff" * size, metadata=metadata)
            answer = refusal_in(refused.value)
            assert answer.status in (status, 422 if status == 400 else status), method


async def test_a_large_body_is_refused_in_the_words_of_a_small_one(
    untouched_rest: Untouched,
) -> None:
    running, brand = untouched_rest.running, untouched_rest.brand
    tokens = (
        "garbage",
        without(running, brand, "write:segments"),
        running.service.keys.tokens.mint("tester", ["brand-that-is-not-there"], all_scopes()),
    )
    for token in tokens:
        headers = {"authorization": f"Bearer {token}"}
        answers = [
            await running.http.post(SEGMENTS_URL, json={"name": "x" * size}, headers=headers)
            for size in (1, 100_000)
        ]
        small, large = ((each.status_code, each.json()) for each in answers)
        assert small == large
        assert small[0] in (401, 403)


async def test_a_compressed_message_is_not_taken(untouched_grpc: Untouched) -> None:
    method = "messaging.SegmentService/CreateSegment"
    rpc: Any = untouched_grpc.running.channel.unary_unary(full_path(METHODS[method]))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await rpc(b"x" * 1000, compression=grpc.Compression.Gzip)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
