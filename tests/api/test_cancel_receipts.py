"""Cancelling tells how many were sent, in flight and cancelled at that moment, and nothing starts
once it has answered."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from carillon.comms.v1 import campaign_service_pb2
from carillon.type.v1.cancel_receipt_pb2 import CancelReceipt
from tests.support.api.answers import to_json
from tests.support.api.callers import METHODS, Caller, GrpcCaller, RestCaller, full_path
from tests.support.api.deliveries import SENDS, ended, report, schedule
from tests.support.api.operating import (
    MARKETING_CONCURRENCY,
    Operated,
    Stuck,
    audited,
    ended_with,
    publish,
)
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    campaign,
    campaign_in,
    comms_campaign,
    ok,
    recipients,
)
from tests.support.dispatch.scripted import ACCEPTED, REFUSED

RECEIPT = {"sent": 3, "in_flight": MARKETING_CONCURRENCY, "cancelled": 3}
NOTHING = {"sent": 0, "in_flight": 0, "cancelled": 0}


async def cancel(api: Caller, send: dict[str, Any], by: str) -> dict[str, Any]:
    """The receipt of a cancellation by the send or by its campaign."""
    if by == "send":
        answer = await ok(api, f"{SENDS}/CancelSend", {"id": send["id"]})
        assert answer["send"]["status"] == "cancelled"
    else:
        answer = await ok(api, f"{MESSAGING}/CancelCampaign", {"id": send["campaign_id"]})
        assert (answer["campaign"]["id"], answer["campaign"]["status"]) == (
            send["campaign_id"],
            "cancelled",
        )
    receipt: dict[str, Any] = answer["receipt"]
    return receipt


async def comms_cancel(
    running: Running, token: str, campaign_id: str, key: str
) -> tuple[Message, Any]:
    """The answer over gRPC, and the receipt in its trailing metadata."""
    method = METHODS[f"{COMMS}/CancelCampaign"]
    rpc: grpc.aio.UnaryUnaryMultiCallable[Message, Message] = running.channel.unary_unary(
        full_path(method),
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=campaign_service_pb2.CancelCampaignResponse.FromString,
    )
    metadata = (("authorization", f"Bearer {token}"), ("idempotency-key", key))
    call = rpc(
        campaign_service_pb2.CancelCampaignRequest(id=campaign_id), metadata=metadata, timeout=30
    )
    response = await call
    receipt = dict(await call.trailing_metadata())["cancel-receipt-bin"]
    assert isinstance(receipt, bytes)
    return response, to_json(CancelReceipt.FromString(receipt))


@pytest.mark.parametrize("by", ["send", "campaign"])
async def test_receipt_is_of_the_moment_and_adds_up_to_the_total(
    operated: Operated, operator: Caller, brand: str, by: str
) -> None:
    people = recipients(10)
    stuck = Stuck(operated, people, passing=3)
    send = await publish(operator, brand, people)
    await stuck.holds(MARKETING_CONCURRENCY)
    assert await cancel(operator, send, by) == RECEIPT
    assert sum(RECEIPT.values()) == send["total_recipients"]
    stuck.let_go()
    done = await operated.ended(operator, send["id"])
    await operated.when(send["id"], "completed_at")
    # By the end of another message, what was not cancelled would have gone out.
    assert (await ended(operator, (await schedule(operator, brand))["id"]))["status"] == "sent"
    assert len(operated.called(people)) == len(set(operated.called(people))) == 7
    done = await report(operator, send["id"])
    assert (done["status"], done["sent"], done["cancelled"], done["in_flight"]) == (
        "cancelled",
        7,
        3,
        0,
    )
    assert await cancel(operator, send, by) == RECEIPT
    assert await audited(operator, send["id"]) == [("send_cancelled", {"receipt": RECEIPT})]
    cancelled = ("campaign_cancelled", {"receipt": RECEIPT, "send_ids": [send["id"]]})
    assert await audited(operator, send["campaign_id"], "campaign_cancelled") == [cancelled]


@pytest.mark.parametrize("by", ["send", "campaign", "comms campaign"])
async def test_cancel_is_answered_when_no_call_is_in_flight_any_more(
    operated: Operated, operator: Caller, brand: str, by: str
) -> None:
    people = recipients(4)
    stuck = Stuck(operated, people)
    if by == "comms campaign":
        campaign_id = await comms_campaign(operator, brand)
        send = (
            await ok(operator, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": people})
        )["send"]
        work = ok(operator, f"{COMMS}/CancelCampaign", {"id": campaign_id})
    else:
        send = await publish(operator, brand, people)
        work = cancel(operator, send, by)
    await stuck.holds(MARKETING_CONCURRENCY)
    cancelling = asyncio.ensure_future(work)
    await operated.when(send["id"], "status", "cancelled")
    assert not cancelling.done()
    stuck.let_go()
    await cancelling
    assert (await operated.send(send["id"])).counters.in_flight == 0


async def test_comms_tells_the_receipt_in_trailing_metadata_and_the_same_again(
    operated_on_sqlite: Operated, operated_on_postgres: Operated, brand: str
) -> None:
    for operated in (operated_on_sqlite, operated_on_postgres):
        running = operated.running
        api, people = GrpcCaller(running.channel, running.token(brand)), recipients(10)
        stuck = Stuck(operated, people, passing=3)
        campaign_id = await comms_campaign(api, brand)
        send = (await ok(api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": people}))[
            "send"
        ]
        await stuck.holds(MARKETING_CONCURRENCY)
        first = await comms_cancel(running, api.token, campaign_id, "key-1")
        assert first[1] == RECEIPT
        stuck.let_go()
        await operated.when(send["id"], "completed_at")
        assert await comms_cancel(running, api.token, campaign_id, "key-1") == first
        assert await comms_cancel(running, api.token, campaign_id, "key-2") == first
        operated.let_go()


async def test_comms_answer_over_rest_is_the_documented_one_alone(
    idle: Running, brand: str
) -> None:
    api = RestCaller(idle.http, idle.token(brand))
    answer = await api.call(
        f"{COMMS}/CancelCampaign", {"id": await campaign_in(api, brand, COMMS, "sending")}
    )
    assert (answer.status, set(answer.body)) == (200, {"campaign"})
    assert not [name for name in answer.headers if "receipt" in name]


@pytest.mark.parametrize("status", ["draft", "scheduled"])
async def test_campaign_that_never_started_has_an_empty_receipt(
    idle_api: Caller, brand: str, status: str
) -> None:
    campaign_id = await campaign_in(idle_api, brand, MESSAGING, status)
    assert (await ok(idle_api, f"{MESSAGING}/CancelCampaign", {"id": campaign_id}))[
        "receipt"
    ] == NOTHING
    assert (await audited(idle_api, campaign_id))[-1] == (
        "campaign_cancelled",
        {"receipt": NOTHING, "send_ids": []},
    )


async def test_campaign_is_cancelled_with_its_send(idle_api: Caller, brand: str) -> None:
    send = await publish(idle_api, brand, recipients(2))
    first = await ok(idle_api, f"{SENDS}/CancelSend", {"id": send["id"]})
    assert first["receipt"] == {"sent": 0, "in_flight": 0, "cancelled": 2}
    now = await campaign(idle_api, MESSAGING, send["campaign_id"])
    assert (now["status"], now["cancelled_at"] is not None) == ("cancelled", True)
    again = await ok(idle_api, f"{MESSAGING}/CancelCampaign", {"id": send["campaign_id"]})
    assert again == {"campaign": now, "receipt": first["receipt"]}
    assert await ok(idle_api, f"{SENDS}/CancelSend", {"id": send["id"]}) == first


async def test_completed_send_cannot_be_cancelled(
    operated: Operated, operator: Caller, brand: str
) -> None:
    done, _ = await ended_with(operated, operator, brand, ACCEPTED, REFUSED)
    answer = await operator.call(f"{SENDS}/CancelSend", {"id": done["send_id"]})
    assert (answer.status, answer.error, answer.body["details"]) == (
        412,
        "send_state",
        {"status": "completed"},
    )
    assert await report(operator, done["send_id"]) == done
