"""Pages of other origins: those that are allowed may call the API from a browser (WHATWG Fetch,
3.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import httpx
import pytest
from google.api import annotations_pb2

from carillon.messaging.v1 import segment_service_pb2, send_pb2
from server.api.policies import service_descriptors
from server.config import Settings
from server.gateway.supervisor import Gateway
from tests.gateway.conftest import ROOT, client_of, free_ports
from tests.gateway.test_refusals import error
from tests.support.upstream import Context, Upstream, error_info, failing, returning

ALLOWED = ["https://app.example.com", "http://localhost:3000"]
OTHERS = [
    "https://app.example.com.evil.example",
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "https://appxexample.com",
    "null",
]
SEGMENTS = "carillon.messaging.v1.SegmentService"
PATH = "/v1/messaging/segments"


@pytest.fixture(scope="module")
async def open_settings(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """Those of another gateway of the same server, which allows two origins."""
    (rest,) = free_ports(1)
    directory = tmp_path_factory.mktemp("open")
    own = settings.model_copy(
        update={
            "data_dir": directory,
            "rest_port": rest,
            "cors_origins": ", ".join(ALLOWED),
        }
    )
    gateway = Gateway(own, config_root=ROOT)
    await gateway.start()
    yield own
    await gateway.stop()


@pytest.fixture
async def browser(open_settings: Settings, upstream: Upstream) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(open_settings) as client:
        yield client


def preflight(
    origin: str, method: str = "POST", headers: str = "authorization, content-type, idempotency-key"
) -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }


def cors_headers(response: httpx.Response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name.startswith("access-control-")
    }


@pytest.mark.parametrize("origin", ALLOWED)
async def test_a_preflight_of_an_allowed_origin_is_answered_by_the_gateway(
    browser: httpx.AsyncClient, upstream: Upstream, origin: str
) -> None:
    response = await browser.options(PATH, headers=preflight(origin))
    assert (response.status_code, response.content) == (200, b"")
    assert cors_headers(response) == {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": (
            "authorization, content-type, idempotency-key, x-brand-id"
        ),
        "access-control-expose-headers": "allow, www-authenticate",
        "access-control-max-age": "600",
    }
    assert upstream.requests == []


async def test_every_verb_of_the_contract_is_allowed(browser: httpx.AsyncClient) -> None:
    rules = [
        method.GetOptions().Extensions[annotations_pb2.http]
        for service in service_descriptors()
        for method in service.methods
    ]
    verbs = {str(rule.WhichOneof("pattern")).upper() for rule in rules}
    response = await browser.options(PATH, headers=preflight(ALLOWED[0]))
    assert verbs <= set(response.headers["access-control-allow-methods"].split(", "))


async def test_an_answer_to_an_allowed_origin_can_be_read(
    browser: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{SEGMENTS}/CreateSegment"] = returning(segment_service_pb2.Segment(id="s1"))
    headers = {"origin": ALLOWED[0], "authorization": "Bearer t", "idempotency-key": "k"}
    response = await browser.post(PATH, json={}, headers=headers)
    assert (response.status_code, response.json()["id"]) == (201, "s1")
    assert cors_headers(response) == {
        "access-control-allow-origin": ALLOWED[0],
        "access-control-expose-headers": "allow, www-authenticate",
    }
    assert (
        upstream.metadata[0] | {"authorization": "Bearer t", "idempotency-key": "k"}
        == upstream.metadata[0]
    )


async def test_errors_can_be_read_whoever_made_them(
    browser: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{SEGMENTS}/ListSegments"] = failing(
        grpc.StatusCode.UNAUTHENTICATED, "no token", error_info("UNAUTHENTICATED"), http_code=401
    )
    headers = {"origin": ALLOWED[0]}
    responses = [
        await browser.get(PATH, headers=headers),
        await browser.get("/nope", headers=headers),
        await browser.get(f"{PATH}?page_size=x", headers=headers),
        await browser.post(
            PATH, content="{", headers={**headers, "content-type": "application/json"}
        ),
        await browser.request("TRACE", PATH, headers=headers),
    ]
    assert [error(response)[0] for response in responses] == [401, 404, 400, 400, 405]
    assert [response.headers["access-control-allow-origin"] for response in responses] == [
        ALLOWED[0]
    ] * 5


async def test_a_stream_can_be_read(browser: httpx.AsyncClient, upstream: Upstream) -> None:
    async def watch(_request: object, _context: Context) -> AsyncIterator[send_pb2.Send]:
        yield send_pb2.Send(id="s1")

    upstream.streams["carillon.messaging.v1.SendService/WatchSend"] = watch
    response = await browser.get("/v1/messaging/sends/s1/watch", headers={"origin": ALLOWED[0]})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (
        200,
        ALLOWED[0],
    )


@pytest.mark.parametrize("origin", OTHERS)
async def test_another_origin_is_told_nothing(
    browser: httpx.AsyncClient, upstream: Upstream, origin: str
) -> None:
    response = await browser.options(PATH, headers=preflight(origin))
    assert error(response) == (405, "method_not_allowed")
    assert cors_headers(response) == {}
    upstream.replies[f"{SEGMENTS}/ListSegments"] = returning(
        segment_service_pb2.ListSegmentsResponse()
    )
    response = await browser.get(PATH, headers={"origin": origin})
    assert response.status_code == 200
    assert cors_headers(response) == {}


@pytest.mark.parametrize("origin", [*ALLOWED, "null"])
async def test_no_origin_is_allowed_by_default(
    rest: httpx.AsyncClient, upstream: Upstream, origin: str
) -> None:
    response = await rest.options(PATH, headers=preflight(origin))
    assert error(response) == (405, "method_not_allowed")
    assert cors_headers(response) == {}
    assert error(await rest.options("/nope", headers=preflight(origin))) == (404, "route_not_found")
    upstream.replies[f"{SEGMENTS}/ListSegments"] = returning(
        segment_service_pb2.ListSegmentsResponse()
    )
    response = await rest.get(PATH, headers={"origin": origin})
    assert response.status_code == 200
    assert cors_headers(response) == {}


async def test_options_without_an_origin_is_no_preflight(
    browser: httpx.AsyncClient, upstream: Upstream
) -> None:
    response = await browser.options(PATH)
    assert error(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, POST"
