"""What the gateway refuses by itself, before or instead of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from carillon.comms.v1 import message_pb2
from carillon.messaging.v1 import send_pb2
from server.config import Settings
from tests.gateway.conftest import MAX_REQUEST_BYTES
from tests.support.upstream import Context, Upstream, returning

SCHEDULE = "/v1/messages/schedule"
PUBLISH = "/v1/messaging/campaigns/c1/publish"
JSON = {"content-type": "application/json"}
TIME = "must be an RFC 3339 time with an offset, such as 2030-01-31T12:00:00Z"
CHANNEL = "must be one of email, sms, push, in_app"


def error(response: httpx.Response) -> tuple[int, str]:
    """Status and error code; checks that nothing else than the documented shape is there."""
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) <= {"error", "message", "details"}
    assert response.json()["message"]
    for internal in (
        "type.googleapis",
        "TYPE_",
        "carillon.",
        "Proto ",
        "upstream",
        "transcod",
        "Envoy",
        "grpc",
    ):
        assert internal not in response.text
    return response.status_code, response.json()["error"]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("brand_id", "1", "must be a string"),
        ("brand_id", "{}", "must not be an object"),
        ("channel", '"fax"', CHANNEL),
        ("channel", "{}", "must not be an object"),
        ("scheduled_at", '"soon"', TIME),
        ("scheduled_at", '"2030-01-31T12:00:00"', TIME),
        ("scheduled_at", "12", TIME),
        ("variables", "3", "must be an object"),
    ],
)
async def test_a_value_of_the_wrong_type_is_named_with_what_is_wanted(
    rest: httpx.AsyncClient, upstream: Upstream, field: str, value: str, problem: str
) -> None:
    response = await rest.post(SCHEDULE, content=f'{{"{field}": {value}}}', headers=JSON)
    assert error(response) == (422, "malformed_request")
    assert response.json()["message"] == f"{field} {problem}"
    assert response.json()["details"] == {"fields": [{"field": field, "message": problem}]}
    assert upstream.requests == []


async def test_a_field_inside_a_list_is_named_by_its_place(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    recipients = [{"person_id": "p1", "recipient": "a"}, {"person_id": 7}]
    response = await rest.post(PUBLISH, json={"recipients": recipients})
    assert error(response) == (400, "malformed_request")
    assert response.json()["message"] == "recipients[1].person_id must be a string"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '"x"',
        "null",
        '{"a": tru}',
        '{"a" 1}',
        '{"a": "\\ud800"}',
        "{}}",
        '{"brand_id": ["a"]}',
        "not json",
        '{"a":' + "[" * 500,
    ],
)
async def test_a_body_that_cannot_be_read_has_the_status_of_its_face(
    rest: httpx.AsyncClient, upstream: Upstream, body: str
) -> None:
    assert error(await rest.post(SCHEDULE, content=body, headers=JSON)) == (
        422,
        "malformed_request",
    )
    assert error(await rest.post("/v1/messaging/segments", content=body, headers=JSON)) == (
        400,
        "malformed_request",
    )
    assert upstream.requests == []


async def test_a_refusal_does_not_repeat_what_was_sent(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    for body in (
        '{"channel": "ana@example.com"}',
        '{"brand_id": "ana@example.com" oops}',
        '{"variables": "ana@example.com"}',
        '{"ana@example.com":' * 500,
    ):
        response = await rest.post(SCHEDULE, content=body, headers=JSON)
        assert error(response) == (422, "malformed_request")
        assert "ana" not in response.text
    response = await rest.get("/v1/people/p1", params={"ana@example.com": "1"})
    assert error(response) == (400, "malformed_request")
    assert "ana" not in response.text


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/people/p1?nope=1", 400, "nope is not a query parameter of this path"),
        ("/v1/messaging/segments?page_size=x", 400, "page_size must be a whole number"),
        ("/v1/admin/campaigns?page_size=x", 422, "page_size must be a whole number"),
        (
            "/v1/admin/campaigns?status=x",
            422,
            "status must be one of draft, scheduled, sending, sent, cancelled",
        ),
        ("/v1/messaging/templates?channel=fax", 400, f"channel {CHANNEL}"),
    ],
)
async def test_a_bad_path_or_query_parameter_is_named(
    rest: httpx.AsyncClient, upstream: Upstream, path: str, status: int, message: str
) -> None:
    response = await rest.get(path)
    assert error(response) == (status, "malformed_request")
    assert response.json()["message"] == message


async def test_a_body_cannot_override_the_path(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await rest.post(PUBLISH, json={"id": "other"})
    assert error(response) == (400, "malformed_request")
    assert response.json()["message"] == "id in the body differs from the one in the path"
    assert upstream.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nope",
        "/v1/people",
        "/v1/people/",
        "/v1/inbox/",
        "/healthz/x",
        "/v1/people/../x",
    ],
)
async def test_an_unknown_path_is_404(
    rest: httpx.AsyncClient, upstream: Upstream, path: str
) -> None:
    assert error(await rest.get(path)) == (404, "route_not_found")


async def test_a_grpc_path_is_no_rest_path(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await rest.post("/carillon.comms.v1.MessageService/ScheduleMessage", json={})
    assert error(response) == (404, "route_not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/v1/inbox/p1", "GET, HEAD"),
        ("POST", "/v1/notifications/watch", "GET"),
        ("POST", "/v1/people/p1", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", "/v1/messaging/segments", "GET, HEAD, POST"),
        ("POST", "/v1/messaging/sends/s1/watch", "GET"),
        ("DELETE", "/v1/messages/schedule", "GET, HEAD, POST"),
    ],
)
async def test_a_known_path_with_another_method_is_405_and_says_which(
    rest: httpx.AsyncClient, upstream: Upstream, method: str, path: str, allow: str
) -> None:
    response = await rest.request(method, path)
    assert error(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == allow


async def test_a_literal_segment_wins_but_does_not_hide_a_variable_one(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies["carillon.comms.v1.MessageService/GetMessage"] = returning(
        message_pb2.MessageSummary(message_id="schedule")
    )
    assert (await rest.get(SCHEDULE)).json()["message_id"] == "schedule"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin1"},
        {"content-type": "application/grpc-web"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ],
)
async def test_a_body_that_is_not_json_by_its_type_is_415(
    rest: httpx.AsyncClient, upstream: Upstream, headers: dict[str, str]
) -> None:
    assert error(await rest.post(SCHEDULE, content="{}", headers=headers)) == (
        415,
        "unsupported_media_type",
    )
    assert upstream.requests == []


async def test_json_with_a_charset_is_json(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.replies["carillon.comms.v1.MessageService/ScheduleMessage"] = returning(
        message_pb2.Message()
    )
    response = await rest.post(
        SCHEDULE, content="{}", headers={"content-type": 'Application/JSON; charset="UTF-8"'}
    )
    assert response.status_code == 201


async def test_a_body_over_the_limit_is_413(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await rest.post(
        SCHEDULE, content=b'{"person_id": "' + b"a" * MAX_REQUEST_BYTES + b'"}', headers=JSON
    )
    assert error(response) == (413, "payload_too_large")
    assert upstream.requests == []


async def test_a_body_of_unknown_length_over_the_limit_is_413(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"recipients": ['
        for _ in range(MAX_REQUEST_BYTES // 1000 * 2):
            yield b'{"person_id": "' + b"a" * 980 + b'"},'
        yield b"{}]}"

    for path in ("/v1/admin/campaigns/c1/send", PUBLISH):
        assert error(await rest.post(path, content=body(), headers=JSON)) == (
            413,
            "payload_too_large",
        )
    assert upstream.requests == []


async def test_a_long_list_of_recipients_passes(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies["carillon.messaging.v1.CampaignService/PublishCampaign"] = returning(
        send_pb2.Send()
    )
    recipients = [
        {"person_id": f"person-{number}", "recipient": f"person-{number}@example.com"}
        for number in range(3000)
    ]
    assert (await rest.post(PUBLISH, json={"recipients": recipients})).status_code == 202
    (request,) = upstream.requests
    assert len(request.recipients) == 3000  # type: ignore[attr-defined]


async def test_a_server_that_takes_too_long_is_504(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def reply(_request: Any, _context: Context) -> Any:
        await asyncio.Event().wait()

    upstream.replies["carillon.ops.v1.ProbeService/CheckLiveness"] = reply
    assert error(await rest.get("/healthz")) == (504, "deadline_exceeded")


async def test_a_stream_has_no_timeout(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    timed_out = asyncio.Event()

    async def stall(_request: Any, _context: Context) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            timed_out.set()

    async def watch(_request: Any, _context: Context) -> AsyncIterator[send_pb2.Send]:
        yield send_pb2.Send(id="first")
        await timed_out.wait()
        yield send_pb2.Send(id="second")

    upstream.replies["carillon.ops.v1.ProbeService/CheckLiveness"] = stall
    upstream.streams["carillon.messaging.v1.SendService/WatchSend"] = watch
    async with rest.stream("GET", "/v1/messaging/sends/s1/watch") as response:
        # Begun later and ended by its timeout: the stream has outlasted it.
        assert error(await rest.get("/healthz")) == (504, "deadline_exceeded")
        assert '"id":"second"' in "".join([chunk async for chunk in response.aiter_text()])


async def test_a_server_that_is_down_is_503_everywhere(
    rest: httpx.AsyncClient, upstream: Upstream, settings: Settings
) -> None:
    await upstream.stop()
    try:
        for response in (
            await rest.get("/healthz"),
            await rest.get("/readyz"),
            await rest.post(SCHEDULE, json={}),
        ):
            assert error(response) == (503, "unavailable")
    finally:
        await upstream.start(settings.grpc_port)


async def test_a_number_of_more_digits_than_any_needs_is_refused_before_it_is_read(
    reading_rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    for number, says in (
        ("1" * 401, "longer than 400 characters"),
        ("1." + "0" * 398, "name must be a string"),
    ):
        content = f'{{"name": {number}}}'
        response = await reading_rest.post("/v1/messaging/segments", content=content, headers=JSON)
        assert error(response) == (400, "malformed_request")
        assert says in response.json()["message"]
    assert upstream.requests == []
