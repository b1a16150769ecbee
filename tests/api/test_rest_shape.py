"""What a REST client meets besides the methods: paths, types, limits, and a server that is gone or
slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest

from server.app import Part
from tests.gateway.conftest import shortened_config
from tests.support.api.callers import (
    METHODS,
    RestCaller,
    bind,
    caller,
    full_path,
    path_fields,
    takes_body,
)
from tests.support.api.documented import METHOD_OF
from tests.support.api.faults import FaultyStorage, running_faulty_service
from tests.support.api.refusals import check_refusal
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import COMMS, put_person
from tests.support.api.untouched import MESSAGES, PEOPLE, SEGMENTS, Untouched

LIMIT = 64 * 1024


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and code; the body must be as documented."""
    assert response.headers["content-type"] == "application/json"
    check_refusal(response.json(), {})
    return response.status_code, response.json()["error"]


def verb_and_path(method: str) -> tuple[str, str]:
    """How REST calls a method, for some id."""
    verb, path, _ = bind(METHODS[method], dict.fromkeys(path_fields(METHODS[method]), "x"))
    return verb, path


UNKNOWN_PATHS = [
    "/",
    "/v1",
    "/v1/nothing",
    "/v1/admin/campaigns/",
    "/v1//segments",
    "/v2/segments",
    "/carillon.comms.v1",
]


async def test_an_unknown_path(untouched_rest: Untouched) -> None:
    for path in UNKNOWN_PATHS:
        for verb in ("GET", "POST", "DELETE"):
            answer = refusal(await untouched_rest.send(verb, path))
            assert answer == (404, "route_not_found"), path


async def test_a_known_path_with_another_verb(untouched_rest: Untouched) -> None:
    for method in METHODS:
        verb, path = verb_and_path(method)
        response = await untouched_rest.send("REPORT", path)
        assert refusal(response) == (405, "method_not_allowed")
        assert verb in response.headers["allow"].split(", ")


async def test_a_body_of_another_type(untouched_rest: Untouched) -> None:
    for method in filter(takes_body, METHODS):
        verb, path, _ = bind(METHODS[method], untouched_rest.good(method))
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
            response = await untouched_rest.send(
                verb, path, content=b"brand_id=x", headers={"content-type": kind}
            )
            assert refusal(response) == (415, "unsupported_media_type")


WITHOUT_BODY = [
    name
    for name in METHODS
    # Links in mails are decorated by others on their way.
    if verb_and_path(name)[0] in ("GET", "DELETE")
    and not name.startswith("comms.UnsubscribeService/")
]


async def test_an_unknown_query_parameter(untouched_rest: Untouched) -> None:
    for method in WITHOUT_BODY:
        request = {} if method.startswith("ops.ProbeService/") else untouched_rest.good(method)
        verb, path, rest = bind(METHODS[method], request)
        response = await untouched_rest.send(verb, path, params={**rest, "no_such_parameter": "x"})
        assert refusal(response) in ((400, "malformed_request"), (422, "malformed_request"))
        assert [entry["field"] for entry in response.json()["details"]["fields"]] == [
            "no_such_parameter"
        ]


async def test_an_id_may_have_any_characters(rest: RestCaller, brand: str) -> None:
    for person_id in ("a/b", "a b", "ana@example.com", "ünï", "100%", "a?b#c", "a+b", "..."):
        await put_person(rest, brand, person_id, email=None)
        request = {"brand_id": brand, "person_id": person_id}
        answer = await rest.call(f"{PEOPLE}/GetPerson", request)
        assert (answer.status, answer.body["person_id"]) == (200, person_id)
        assert (await rest.call(f"{PEOPLE}/DeletePerson", request)).status == 200


async def test_headers_of_grpc_mean_nothing(untouched_rest: Untouched) -> None:
    headers = {
        "key-bin": "!!!",
        "grpc-timeout": "1n",
        "x-http-code": "500",
        "grpc-encoding": "gzip",
        "x-envoy-upstream-rq-timeout-ms": "1",
    }
    response = await untouched_rest.send("GET", "/v1/messaging/segments", headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messaging/segments/%ff",
        "/v1/messaging/segments?brand_id=%ff",
        "/v1/messaging/segments?page_size=99999999999",
    ],
)
async def test_a_path_or_query_that_is_no_text_or_number(
    untouched_rest: Untouched, path: str
) -> None:
    assert refusal(await untouched_rest.send("GET", path)) == (400, "malformed_request")


async def test_a_grpc_method_that_does_not_exist(untouched_grpc: Untouched) -> None:
    for path in (
        "/carillon.comms.v1.CampaignService/Nope",
        "/carillon.comms.v1.NopeService/Get",
        "/nope",
    ):
        method: Any = untouched_grpc.running.channel.unary_unary(path)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await method(b"")
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.fixture(scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A service with a small limit."""
    async with running_service(
        tmp_path_factory.mktemp("strict"), max_request_bytes=LIMIT
    ) as running:
        yield running


async def test_a_request_over_the_limit(strict: Running, brand: str) -> None:
    recipients = [{"person_id": "p" * 100, "recipient": "r" * 100}] * (LIMIT // 100)
    answer = await caller("rest", strict, brand).call(
        f"{COMMS}/SendCampaign", {"id": "c1", "recipients": recipients}
    )
    assert (answer.status, answer.error) == (413, "payload_too_large")
    request = {"brand_id": brand, "name": "x" * LIMIT, "predicate": {}}
    answer = await caller("rest", strict, brand).call(f"{SEGMENTS}/CreateSegment", request)
    assert (answer.status, answer.error) == (413, "payload_too_large")


async def test_a_message_over_the_limit(strict: Running, brand: str) -> None:
    method: Any = strict.channel.unary_unary(full_path(METHODS[f"{SEGMENTS}/CreateSegment"]))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await method(
            b"\x12" + b"x" * LIMIT * 2,
            metadata=(("authorization", f"Bearer {strict.token(brand)}"),),
        )
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def _about(method: str) -> dict[str, Any]:
    """A request that says what REST has in the path."""
    return dict.fromkeys(path_fields(METHODS[method]), "email")


async def test_a_gateway_without_its_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_service(
        tmp_path_factory.mktemp("alone"), parts=frozenset({Part.GATEWAY})
    ) as running:
        for method in METHOD_OF.values():
            answer = await RestCaller(running.http, "a token").call(method, _about(method))
            assert (answer.status, answer.error) == (503, "unavailable"), method
        for path in ("/healthz", "/readyz"):
            assert refusal(await running.http.get(path)) == (503, "unavailable")


@pytest.fixture(scope="module")
async def impatient(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Running, FaultyStorage]]:
    """A service whose gateway waits half a second for an answer."""
    root = shortened_config(tmp_path_factory.mktemp("root"), "timeout: 60s", "timeout: 0.5s")
    async with running_faulty_service(tmp_path_factory.mktemp("impatient"), root) as service:
        yield service


async def test_an_answer_that_takes_too_long(
    impatient: tuple[Running, FaultyStorage], brand: str
) -> None:
    running, storage = impatient
    storage.stall = asyncio.Event()
    try:
        request = {"brand_id": brand, "name": "late", "predicate": {}}
        answer = await caller("rest", running, brand).call(f"{SEGMENTS}/CreateSegment", request)
    finally:
        storage.stall.set()
    assert (answer.status, answer.error) == (504, "deadline_exceeded")


async def test_a_client_that_stops_waiting(
    impatient: tuple[Running, FaultyStorage], brand: str
) -> None:
    running, storage = impatient
    storage.stall = asyncio.Event()
    method: Any = running.channel.unary_unary(full_path(METHODS[f"{MESSAGES}/CancelMessage"]))
    try:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await method(
                b"\x0a\x01x",
                metadata=(("authorization", f"Bearer {running.token(brand)}"),),
                timeout=0.2,
            )
    finally:
        storage.stall.set()
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
