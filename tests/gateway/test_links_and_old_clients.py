"""Links that others decorate on their way, and load balancers that speak HTTP/1.0."""

from __future__ import annotations

import httpx
import pytest
from google.api import httpbody_pb2

from carillon.comms.v1 import suppression_service_pb2
from carillon.ops.v1 import probe_service_pb2
from server.config import Settings
from tests.gateway.raw import exchange
from tests.support.upstream import Context, Upstream, returning

SERVICE = "carillon.comms.v1.UnsubscribeService"


async def page(_request: object, _context: Context) -> httpbody_pb2.HttpBody:
    return httpbody_pb2.HttpBody(content_type="text/html; charset=utf-8", data=b"<p>")


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_a_link_works_with_parameters_that_others_added(
    rest: httpx.AsyncClient, upstream: Upstream, verb: str
) -> None:
    upstream.replies[f"{SERVICE}/ShowUnsubscribePage"] = upstream.replies[
        f"{SERVICE}/Unsubscribe"
    ] = page
    response = await rest.request(
        verb, "/v1/unsubscribe/token-1?utm_source=news&token=other&token="
    )
    assert (response.status_code, response.content) == (200, b"<p>")
    (request,) = upstream.requests
    assert request.token == "token-1"  # type: ignore[attr-defined]


async def test_a_link_keeps_the_parameters_of_its_own_page(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{SERVICE}/Unsubscribe"] = page
    query = "utm_source=news&category=a%26b&wanted=false&utm_medium=x&category=other&token=t"
    response = await rest.post(f"/v1/unsubscribe/token-1?{query}")
    assert response.status_code == 200
    assert upstream.requests == [
        suppression_service_pb2.UnsubscribeRequest(token="token-1", category="a&b", wanted=False)
    ]


@pytest.mark.parametrize("host", ["", "Host: localhost\r\n"], ids=["without a host", "with one"])
async def test_http_1_0_is_answered(
    rest: httpx.AsyncClient, upstream: Upstream, settings: Settings, host: str
) -> None:
    upstream.replies["carillon.ops.v1.ProbeService/CheckLiveness"] = returning(
        probe_service_pb2.CheckLivenessResponse()
    )
    response = await exchange(settings, f"GET /healthz HTTP/1.0\r\n{host}\r\n".encode())
    assert response.status_code == 200
