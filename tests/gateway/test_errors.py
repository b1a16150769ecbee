"""Errors of the server, in their documented shape and status."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.empty_pb2 import Empty

from carillon.messaging.v1 import send_pb2
from tests.support.upstream import Context, Upstream, abort, bad_request, error_info, failing

SEND = "carillon.comms.v1.CampaignService/SendCampaign"
PUBLISH = "carillon.messaging.v1.CampaignService/PublishCampaign"
WATCH = "carillon.messaging.v1.SendService/WatchSend"
INTERNAL = {"error": "internal", "message": "something went wrong on our side"}
Code = grpc.StatusCode


async def send(rest: httpx.AsyncClient) -> httpx.Response:
    return await rest.post(
        "/v1/admin/campaigns/c1/send",
        json={"recipients": [{"person_id": "p1", "recipient": "p1@example.com"}]},
    )


async def publish(rest: httpx.AsyncClient) -> httpx.Response:
    return await rest.post("/v1/messaging/campaigns/c1/publish", json={})


@pytest.mark.parametrize("after_metadata", [False, True])
async def test_reason_message_metadata_and_fields_make_the_body(
    rest: httpx.AsyncClient, upstream: Upstream, after_metadata: bool
) -> None:
    upstream.replies[SEND] = failing(
        Code.INVALID_ARGUMENT,
        'recipients: "é" \\ is not – acceptable',
        error_info("VALIDATION_FAILED", limit="10", hint='say "please"'),
        bad_request(recipients="must not be empty", name="is missing"),
        http_code=422,
        after_metadata=after_metadata,
    )
    response = await send(rest)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "error": "validation_failed",
        "message": 'recipients: "é" \\ is not – acceptable',
        "details": {
            "limit": "10",
            "hint": 'say "please"',
            "fields": [
                {"field": "recipients", "message": "must not be empty"},
                {"field": "name", "message": "is missing"},
            ],
        },
    }
    assert not {"grpc-status", "grpc-message", "x-http-code", "grpc-status-details-bin"} & set(
        response.headers
    )


async def test_details_are_left_out_when_there_are_none(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[SEND] = failing(
        Code.NOT_FOUND, "no such campaign", error_info("CAMPAIGN_NOT_FOUND"), http_code=404
    )
    response = await send(rest)
    assert response.status_code == 404
    assert response.json() == {"error": "campaign_not_found", "message": "no such campaign"}


async def test_the_status_the_server_names_wins_over_the_code(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[SEND] = failing(
        Code.FAILED_PRECONDITION,
        "it is sent",
        error_info("CAMPAIGN_STATE", status="sent"),
        http_code=409,
    )
    response = await send(rest)
    assert response.status_code == 409
    assert response.json()["details"] == {"status": "sent"}


@pytest.mark.parametrize(
    ("code", "comms", "messaging"),
    [
        (Code.INVALID_ARGUMENT, 422, 400),
        (Code.FAILED_PRECONDITION, 409, 412),
        (Code.NOT_FOUND, 404, 404),
        (Code.UNAUTHENTICATED, 401, 401),
        (Code.PERMISSION_DENIED, 403, 403),
        (Code.UNAVAILABLE, 503, 503),
        (Code.DEADLINE_EXCEEDED, 504, 504),
        (Code.INTERNAL, 500, 500),
    ],
)
async def test_without_a_named_status_code_and_service_policy_decide(
    rest: httpx.AsyncClient, upstream: Upstream, code: grpc.StatusCode, comms: int, messaging: int
) -> None:
    upstream.replies[SEND] = upstream.replies[PUBLISH] = failing(
        code, "text", error_info("SOME_REASON")
    )
    assert [(await send(rest)).status_code, (await publish(rest)).status_code] == [comms, messaging]
    assert (await send(rest)).json() == {"error": "some_reason", "message": "text"}


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        (Code.UNAUTHENTICATED, 401, "unauthenticated"),
        (Code.NOT_FOUND, 404, "route_not_found"),
        (Code.UNIMPLEMENTED, 404, "route_not_found"),
        (Code.UNAVAILABLE, 503, "unavailable"),
        (Code.CANCELLED, 503, "unavailable"),
        (Code.DEADLINE_EXCEEDED, 504, "deadline_exceeded"),
        (Code.RESOURCE_EXHAUSTED, 429, "overloaded"),
        (Code.INTERNAL, 500, "internal"),
        (Code.UNKNOWN, 500, "internal"),
        (Code.DATA_LOSS, 500, "internal"),
        (Code.ABORTED, 500, "internal"),
    ],
)
async def test_an_error_of_grpc_itself_keeps_its_kind_and_loses_its_text(
    rest: httpx.AsyncClient, upstream: Upstream, code: grpc.StatusCode, status: int, error: str
) -> None:
    upstream.replies[SEND] = failing(code, "secret text")
    response = await send(rest)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert "secret" not in response.text


async def test_an_exception_in_the_server_tells_nothing(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def reply(_request: Any, _context: Context) -> Any:
        raise RuntimeError("secret text")

    upstream.replies[SEND] = reply
    response = await send(rest)
    assert (response.status_code, response.json()) == (500, INTERNAL)


async def test_a_detail_type_outside_the_descriptor_loses_the_text_but_not_the_kind(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[SEND] = failing(Code.UNAVAILABLE, "secret text", Empty())
    response = await send(rest)
    assert (response.status_code, response.json()["error"]) == (503, "unavailable")


async def test_401_names_the_scheme(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.replies[SEND] = failing(
        Code.UNAUTHENTICATED, "no token", error_info("UNAUTHENTICATED"), http_code=401
    )
    response = await send(rest)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_stream_that_fails_before_its_first_message_is_an_ordinary_error(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def watch(_request: Any, context: Context) -> AsyncIterator[send_pb2.Send]:
        await abort(
            context, Code.NOT_FOUND, "no such send", error_info("SEND_NOT_FOUND"), http_code=404
        )
        yield send_pb2.Send()

    upstream.streams[WATCH] = watch
    response = await rest.get("/v1/messaging/sends/s1/watch")
    assert (response.status_code, response.json()) == (
        404,
        {"error": "send_not_found", "message": "no such send"},
    )


async def test_readiness_that_fails_is_503(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.replies["carillon.ops.v1.ProbeService/CheckReadiness"] = failing(
        Code.UNAVAILABLE, "not ready: database", error_info("UNAVAILABLE"), http_code=503
    )
    response = await rest.get("/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"error": "unavailable", "message": "not ready: database"},
    )


async def test_a_request_too_large_for_the_server_is_413(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    text = "SERVER: Received message larger than max (140000006 vs. 134217728)"
    upstream.replies[SEND] = failing(Code.RESOURCE_EXHAUSTED, text)
    response = await send(rest)
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")
    assert "134217728" not in response.text
