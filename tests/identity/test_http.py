"""How identity services are asked."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from server.identity.http import IdentityClient
from tests.support.channels.certificate import make_certificate
from tests.support.channels.http_gateway import HttpGateway, answer


async def test_a_service_is_known_by_its_certificate(tmp_path: Path) -> None:
    certificate, gateway = make_certificate(tmp_path, "127.0.0.1"), HttpGateway()
    await gateway.start(tls=certificate.for_server())
    gateway.otherwise = answer(200, b"{}")
    stranger, trusting = IdentityClient(30), IdentityClient(30, certificate.for_trusting_client())
    with pytest.raises(httpx.ConnectError):
        await stranger.get(gateway.url)
    assert gateway.heads == 0
    assert await trusting.get(gateway.url) == b"{}"
    for client in (stranger, trusting):
        await client.close()
    await gateway.stop()


async def test_an_answer_is_taken_as_it_is_and_leaves_nothing_behind(
    client: IdentityClient,
) -> None:
    gateway = HttpGateway()
    await gateway.start()
    packed = gzip.compress(b"x" * 1_000_000)
    gateway.otherwise = answer(200, packed, content_encoding="gzip", set_cookie="a=b")
    for _ in range(2):
        assert await client.get(gateway.url) == packed
    assert [request.headers.get("cookie") for request in gateway.received] == [None, None]
    assert [request.headers["accept-encoding"] for request in gateway.received] == ["identity"] * 2
    await gateway.stop()
