"""WatchSend: a stream over gRPC, server-sent events over REST, until nothing is pending or in
flight."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.message import Message

from tests.support.api.answers import to_json
from tests.support.api.callers import METHODS, Caller, RestCaller, full_path
from tests.support.api.deliveries import SENDS
from tests.support.api.running import Running
from tests.support.api.scenes import MESSAGING, messaging_campaign, ok, recipients

WATCH = METHODS[f"{SENDS}/WatchSend"]


async def over_grpc(running: Running, token: str, send_id: str) -> AsyncIterator[dict[str, Any]]:
    request: Message = message_factory.GetMessageClass(WATCH.input_type)(id=send_id)
    response_type = message_factory.GetMessageClass(WATCH.output_type)
    rpc: grpc.aio.UnaryStreamMultiCallable[Message, Message] = running.channel.unary_stream(
        full_path(WATCH),
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response_type.FromString,
    )
    async for message in rpc(request, metadata=(("authorization", f"Bearer {token}"),), timeout=60):
        yield to_json(message)


async def over_rest(running: Running, token: str, send_id: str) -> AsyncIterator[dict[str, Any]]:
    path = f"/v1/messaging/sends/{send_id}/watch"
    async with running.http.stream(
        "GET", path, headers={"authorization": f"Bearer {token}"}
    ) as response:
        assert (response.status_code, response.headers["content-type"]) == (
            200,
            "text/event-stream",
        )
        async for line in response.aiter_lines():
            if line:
                assert line.startswith("data: "), line
                yield json.loads(line.removeprefix("data: "))


WATCHERS = {"grpc": over_grpc, "rest": over_rest}


@pytest.fixture
def watch(transport: str) -> Any:
    """Watches a send over the transport."""
    return WATCHERS[transport]


async def publish(api: Caller, brand: str, count: int) -> dict[str, Any]:
    campaign_id = await messaging_campaign(api, brand)
    return await ok(
        api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "recipients": recipients(count)}
    )


async def test_watcher_sees_the_send_grow_to_its_end(
    running: Running, rest: RestCaller, brand: str, watch: Any
) -> None:
    send = await publish(rest, brand, 300)
    seen = [each async for each in watch(running, rest.token, send["id"])]
    assert {each["id"] for each in seen} == {send["id"]}
    done = [each["sent_count"] for each in seen]
    assert done == sorted(set(done)), "each event is news"
    assert [each["status"] for each in seen] == ["sending"] * (len(seen) - 1) + ["completed"]
    last = await ok(rest, f"{SENDS}/GetSend", {"id": send["id"]})
    assert seen[-1] == last
    assert (last["sent_count"], last["total_recipients"]) == (300, 300)


async def test_watcher_is_told_the_state_now_then_the_cancel_then_no_more(
    idle: Running, brand: str, watch: Any
) -> None:
    api = RestCaller(idle.http, idle.token(brand))
    send = await publish(api, brand, 3)
    events = watch(idle, api.token, send["id"])
    now = await anext(events)
    assert now == send
    assert (now["status"], now["completed_at"]) == ("sending", None)
    await ok(api, f"{MESSAGING}/CancelCampaign", {"id": send["campaign_id"]})
    rest_of_it = [each async for each in events]
    assert [(each["status"], each["skipped_count"]) for each in rest_of_it] == [("cancelled", 3)]
    assert rest_of_it[0]["completed_at"] is not None


async def test_watching_a_send_that_is_over_ends_at_once(
    idle: Running, brand: str, watch: Any
) -> None:
    api = RestCaller(idle.http, idle.token(brand))
    send = await publish(api, brand, 1)
    await ok(api, f"{MESSAGING}/CancelCampaign", {"id": send["campaign_id"]})
    assert [each async for each in watch(idle, api.token, send["id"])] == [
        await ok(api, f"{SENDS}/GetSend", {"id": send["id"]})
    ]


async def test_watcher_that_goes_away_harms_nothing(idle: Running, brand: str, watch: Any) -> None:
    api = RestCaller(idle.http, idle.token(brand))
    send = await publish(api, brand, 1)
    events = watch(idle, api.token, send["id"])
    await anext(events)
    await events.aclose()
    await ok(api, f"{MESSAGING}/CancelCampaign", {"id": send["campaign_id"]})
    assert (await ok(api, f"{SENDS}/GetSend", {"id": send["id"]}))["status"] == "cancelled"
