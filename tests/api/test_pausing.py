"""Pausing and resuming a send."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.api.callers import Caller
from tests.support.api.deliveries import SENDS, ended, report, schedule
from tests.support.api.operating import (
    MARKETING_CONCURRENCY,
    Operated,
    Stuck,
    audited,
    ended_with,
    publish,
)
from tests.support.api.scenes import ok, recipients
from tests.support.dispatch.scripted import ACCEPTED


async def test_nothing_goes_out_while_paused_and_all_of_it_after(
    operated: Operated, operator: Caller, brand: str
) -> None:
    people = recipients(12)
    stuck = Stuck(operated, people, passing=2)
    send = await publish(operator, brand, people)
    await stuck.holds(MARKETING_CONCURRENCY)
    pausing = asyncio.ensure_future(ok(operator, f"{SENDS}/PauseSend", {"id": send["id"]}))
    await operated.when(send["id"], "paused_at")
    stuck.let_go()
    paused = await pausing
    assert (paused["send"]["status"], paused["paused_at"] is not None) == ("sending", True)
    called = operated.called(people)
    # Whatever else comes due meanwhile goes out; by then the send would have gone on too.
    for number in range(3):
        other = await schedule(operator, brand, dedup_key=f"key-{number}")
        assert (await ended(operator, other["id"]))["status"] == "sent"
    assert operated.called(people) == called
    now = await report(operator, send["id"])
    assert (now["sent"], now["pending"], now["in_flight"], now["paused_at"]) == (
        6,
        6,
        0,
        paused["paused_at"],
    )
    resumed = await ok(operator, f"{SENDS}/ResumeSend", {"id": send["id"]})
    assert resumed["send"]["id"] == send["id"]
    done = await operated.ended(operator, send["id"])
    assert (done["status"], done["sent"], done["paused_at"]) == ("completed", 12, None)
    assert sorted(operated.called(people)) == sorted(person["recipient"] for person in people)


async def test_pause_is_answered_when_no_call_is_in_flight_any_more(
    operated: Operated, operator: Caller, brand: str
) -> None:
    people = recipients(4)
    stuck = Stuck(operated, people)
    send = await publish(operator, brand, people)
    await stuck.holds(MARKETING_CONCURRENCY)
    pausing = asyncio.ensure_future(ok(operator, f"{SENDS}/PauseSend", {"id": send["id"]}))
    await operated.when(send["id"], "paused_at")
    assert not pausing.done()
    stuck.let_go()
    await pausing
    assert (await operated.send(send["id"])).counters.in_flight == 0


async def test_provider_that_never_answers_does_not_hold_up_the_answer(
    operated: Operated, operator: Caller, brand: str
) -> None:
    people = recipients(6)
    stuck = Stuck(operated, people)
    send = await publish(operator, brand, people)
    await stuck.holds(MARKETING_CONCURRENCY)
    await ok(operator, f"{SENDS}/PauseSend", {"id": send["id"]})
    assert (await operated.send(send["id"])).counters.in_flight == MARKETING_CONCURRENCY
    stuck.let_go()
    await ok(operator, f"{SENDS}/ResumeSend", {"id": send["id"]})
    assert (await operated.ended(operator, send["id"]))["sent"] == 6


async def test_pausing_and_resuming_twice_changes_nothing(idle_api: Caller, brand: str) -> None:
    send = await publish(idle_api, brand, recipients(2))
    first = await ok(idle_api, f"{SENDS}/PauseSend", {"id": send["id"]})
    assert await ok(idle_api, f"{SENDS}/PauseSend", {"id": send["id"]}) == first
    resumed = await ok(idle_api, f"{SENDS}/ResumeSend", {"id": send["id"]})
    assert await ok(idle_api, f"{SENDS}/ResumeSend", {"id": send["id"]}) == resumed
    assert await audited(idle_api, send["id"]) == [("send_paused", {}), ("send_resumed", {})]


async def test_send_that_was_never_paused_is_resumed_without_a_trace(
    idle_api: Caller, brand: str
) -> None:
    send = await publish(idle_api, brand, recipients(2))
    assert (await ok(idle_api, f"{SENDS}/ResumeSend", {"id": send["id"]}))["send"] == send
    assert await audited(idle_api, send["id"]) == []


@pytest.mark.parametrize("how", ["completed", "cancelled"])
async def test_send_that_has_ended_cannot_be_paused_and_is_resumed_in_vain(
    operated: Operated, operator: Caller, brand: str, how: str
) -> None:
    if how == "completed":
        send_id = (await ended_with(operated, operator, brand, ACCEPTED))[0]["send_id"]
    else:
        operated.provider.hold()
        send_id = (await publish(operator, brand, recipients(9)))["id"]
        await ok(operator, f"{SENDS}/CancelSend", {"id": send_id})
        operated.provider.let_go()
        await operated.when(send_id, "completed_at")
    before = await report(operator, send_id)
    answer = await operator.call(f"{SENDS}/PauseSend", {"id": send_id})
    assert (answer.status, answer.error, answer.body["details"]) == (
        412,
        "send_state",
        {"status": how},
    )
    assert (await ok(operator, f"{SENDS}/ResumeSend", {"id": send_id}))["send"]["status"] == how
    assert await report(operator, send_id) == before


async def test_paused_send_can_be_cancelled(idle_api: Caller, brand: str) -> None:
    send = await publish(idle_api, brand, recipients(3))
    await ok(idle_api, f"{SENDS}/PauseSend", {"id": send["id"]})
    cancelled = await ok(idle_api, f"{SENDS}/CancelSend", {"id": send["id"]})
    assert (cancelled["send"]["status"], cancelled["receipt"]) == (
        "cancelled",
        {"sent": 0, "in_flight": 0, "cancelled": 3},
    )
