"""Answers that are not JSON, and methods that take no body: what the unsubscribe links need (RFC
8058)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from google.api import httpbody_pb2

from carillon.comms.v1 import suppression_service_pb2
from tests.support.upstream import Context, Upstream, error_info, failing

SERVICE = "carillon.comms.v1.UnsubscribeService"
LINK = "/v1/unsubscribe/token-1"
PAGE = '<!doctype html>\n<p title="{&quot;a&quot;: null}">Ça va?</p>\n'.encode()
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def page(_request: object, context: Context) -> httpbody_pb2.HttpBody:
    await context.send_initial_metadata((("content-security-policy", "default-src 'none'"),))
    return httpbody_pb2.HttpBody(content_type="text/html; charset=utf-8", data=PAGE)


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_a_raw_answer_comes_as_it_is_with_its_type_and_headers(
    rest: httpx.AsyncClient, upstream: Upstream, verb: str
) -> None:
    upstream.replies[f"{SERVICE}/ShowUnsubscribePage"] = upstream.replies[
        f"{SERVICE}/Unsubscribe"
    ] = page
    response = await rest.request(verb, LINK)
    assert (response.status_code, response.content) == (200, PAGE)
    assert dict(response.headers) | {"date": ""} == {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(PAGE)),
        "content-security-policy": "default-src 'none'",
        "cache-control": "no-store",
        "date": "",
        "server": "carillon",
    }


@pytest.mark.parametrize(
    "form",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b"List-Unsubscribe=One-Click"},
        {
            "content": b"List-Unsubscribe=One-Click",
            "headers": {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
        },
        {"json": ONE_CLICK},
        {"content": b'{"token": "other"}', "headers": {"content-type": "application/json"}},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"content": b"\xff\x00" * 5000, "headers": {"content-type": "application/octet-stream"}},
        {"headers": {"content-type": "application/x-www-form-urlencoded"}},
        {},
    ],
    ids=lambda form: "-".join(form) or "none",
)
async def test_a_method_that_takes_no_body_ignores_one_whatever_it_is(
    rest: httpx.AsyncClient, upstream: Upstream, form: dict[str, Any]
) -> None:
    upstream.replies[f"{SERVICE}/Unsubscribe"] = page
    response = await rest.post(LINK, **form)
    assert (response.status_code, response.content) == (200, PAGE)
    assert upstream.requests == [suppression_service_pb2.UnsubscribeRequest(token="token-1")]


async def test_a_body_of_unknown_length_is_ignored_too(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"List-Unsubscribe=One-Click&"

    upstream.replies[f"{SERVICE}/Unsubscribe"] = page
    response = await rest.post(LINK, content=chunks())
    assert (response.status_code, response.content) == (200, PAGE)
    assert upstream.requests == [suppression_service_pb2.UnsubscribeRequest(token="token-1")]


async def test_a_refusal_of_a_raw_method_is_an_ordinary_error(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{SERVICE}/ShowUnsubscribePage"] = failing(
        grpc.StatusCode.NOT_FOUND, "no such message", error_info("MESSAGE_NOT_FOUND"), http_code=404
    )
    response = await rest.get(LINK)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"error": "message_not_found", "message": "no such message"}


async def test_a_raw_method_has_no_other_verbs(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await rest.delete(LINK)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")
