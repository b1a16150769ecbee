"""WatchInbox and WatchNotifications: streams over gRPC, server-sent events over REST."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

from tests.api.test_notifications import CREATE, READ, notify, token_of
from tests.support.api.answers import to_json
from tests.support.api.callers import METHODS, RestCaller, bind, caller, full_path
from tests.support.api.deliveries import schedule
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_template
from tests.support.api.untouched import INBOX, NOTIFICATIONS

Request = dict[str, Any]
Event = dict[str, Any]

WATCH_INBOX = f"{INBOX}/WatchInbox"
WATCH_OWN = f"{NOTIFICATIONS}/WatchNotifications"


async def over_grpc(
    running: Running, token: str, method: str, request: Request
) -> AsyncIterator[Event]:
    descriptor = METHODS[method]
    message: Message = message_factory.GetMessageClass(descriptor.input_type)()
    response_type = message_factory.GetMessageClass(descriptor.output_type)
    rpc: grpc.aio.UnaryStreamMultiCallable[Message, Message] = running.channel.unary_stream(
        full_path(descriptor),
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response_type.FromString,
    )
    metadata = (("authorization", f"Bearer {token}"),)
    async for answer in rpc(json_format.ParseDict(request, message), metadata=metadata, timeout=60):
        yield to_json(answer)


async def over_rest(
    running: Running, token: str, method: str, request: Request
) -> AsyncIterator[Event]:
    verb, path, query = bind(METHODS[method], request)
    headers = {"authorization": f"Bearer {token}"}
    async with running.http.stream(verb, path, params=query, headers=headers) as response:
        kind = response.headers["content-type"]
        assert (response.status_code, kind) == (200, "text/event-stream")
        async for line in response.aiter_lines():
            if line:
                assert line.startswith("data: "), line
                yield json.loads(line.removeprefix("data: "))


WATCHERS = {"grpc": over_grpc, "rest": over_rest}


@pytest.fixture
def watch(transport: str) -> Any:
    """Watches over the transport."""
    return WATCHERS[transport]


async def test_a_person_is_told_the_count_then_what_comes_and_what_is_read(
    idle: Running, brand: str, watch: Any
) -> None:
    api, token = RestCaller(idle.http, idle.token(brand)), token_of(idle, brand, "ann")
    before = await notify(api, brand)
    events = watch(idle, token, WATCH_OWN, {"brand_id": brand})
    assert await anext(events) == {"unread_count": 1, "notifications": []}
    await notify(api, brand, "bob")
    made = await notify(api, brand, title="new")
    event = await anext(events)
    assert event == {
        "unread_count": 2,
        "notifications": [
            {name: made[name] for name in made if name not in ("brand_id", "patient_id")}
        ],
    }
    await ok(RestCaller(idle.http, token), READ, {"id": before["id"]})
    assert await anext(events) == {"unread_count": 1, "notifications": []}
    await events.aclose()


async def test_a_service_is_told_of_an_in_app_message(
    running: Running, brand: str, watch: Any
) -> None:
    api = RestCaller(running.http, running.token(brand))
    await put_template(api, brand, "in_app", subject="Hi", body="Hello")
    events = watch(running, api.token, WATCH_INBOX, {"person_id": "ann"})
    assert await anext(events) == {"unread_count": 0, "items": []}
    message = await schedule(api, brand, channel="in_app", recipient="ann", person_id="ann")
    event = await anext(events)
    (item,) = event["items"]
    assert (event["unread_count"], item["title"], item["message_id"]) == (1, "Hi", message["id"])
    await ok(api, f"{INBOX}/BulkArchiveInboxItems", {"user_id": "ann", "ids": [item["id"]]})
    assert await anext(events) == {"unread_count": 0, "items": []}
    await events.aclose()


async def test_a_stream_is_refused_like_any_call(idle: Running, brand: str, transport: str) -> None:
    api = caller(transport, idle, brand)
    person = token_of(idle, brand, "ann")
    for method, request, token, expected in (
        (WATCH_INBOX, {"person_id": "ann"}, person, (403, "scope_missing")),
        (WATCH_INBOX, {"person_id": "ann", "brand_id": "other"}, None, (404, "brand_not_found")),
        (WATCH_OWN, {"brand_id": "other"}, person, (404, "brand_not_found")),
        (WATCH_OWN, {}, "garbage", (401, "unauthenticated")),
    ):
        answer = await api.call(method, request, token=token)
        assert (answer.status, answer.error) == expected, method


async def test_a_watcher_that_goes_away_harms_nothing(
    idle: Running, brand: str, watch: Any
) -> None:
    api = RestCaller(idle.http, idle.token(brand))
    events = watch(idle, api.token, WATCH_INBOX, {"person_id": "ann"})
    await anext(events)
    await events.aclose()
    request = {"brand_id": brand, "patient_id": "ann", "kind": "k", "title": "t"}
    assert (await api.call(CREATE, request)).status == 201
