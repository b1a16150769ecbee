"""Cancel means cancel."""

from __future__ import annotations

import pytest

from server.channels.provider import Delivery
from storage.model.messages import MessageStatus
from storage.model.sends import SendStatus
from tests.support.dispatch.scripted import ACCEPTED, AMBIGUOUS, BUSY, REFUSED, ScriptedProvider
from tests.support.dispatch.stage import Stage


async def test_nothing_of_a_cancelled_send_is_called(stage: Stage) -> None:
    send, messages = await stage.send(3)
    await stage.cancel(send)
    await stage.run(stage.workers())
    assert stage.email.calls == []
    assert {await stage.status(message) for message in messages} == {MessageStatus.CANCELLED}
    assert await stage.counted(send) == {"total": 3, "cancelled": 3}


async def test_what_was_claimed_but_not_marked_is_not_called(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    send, messages = await stage.send(3)
    workers = stage.workers(provider=provider)
    provider.hold()
    assert await workers.run_once()
    await provider.called(1)
    assert [await stage.status(message) for message in messages].count(MessageStatus.LEASED) == 2
    await stage.cancel(send)
    provider.let_go()
    await stage.run(workers)
    assert len(provider.calls) == 1
    assert await stage.counted(send) == {"total": 3, "sent": 1, "cancelled": 2}


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [(ACCEPTED, "sent"), (REFUSED, "failed"), (AMBIGUOUS, "unknown"), (BUSY, "cancelled")],
)
async def test_a_call_in_flight_finishes_and_is_counted_but_never_tried_again(
    stage: Stage, outcome: Delivery, counted: str
) -> None:
    send, (message,) = await stage.send(1)
    stage.email.will(message.recipient, outcome)
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    await stage.cancel(send)
    assert await stage.counted(send) == {"total": 1, "in_flight": 1}
    assert (await stage.found_send(send)).completed_at is None
    stage.email.let_go()
    await stage.run(workers)
    stage.clock.advance(3600)
    await stage.run(workers)
    assert len(stage.email.calls) == 1
    assert await stage.counted(send) == {"total": 1, counted: 1}
    over = await stage.found_send(send)
    assert (over.status, over.completed_at is not None) == (SendStatus.CANCELLED, True)
    assert await stage.outcomes(message) == [outcome.outcome]


async def test_a_cancelled_one_off_that_was_claimed_is_not_called(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    _, second = await stage.messages(2)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(1)
    assert await stage.storage.write(lambda tx: tx.messages.cancel(second.id, stage.clock.now()))
    provider.let_go()
    await stage.run(workers)
    assert (len(provider.calls), await stage.status(second)) == (1, MessageStatus.CANCELLED)


async def test_a_message_that_waits_to_be_tried_again_can_be_cancelled(stage: Stage) -> None:
    stage.email.will("ann@example.com", BUSY)
    message = await stage.message()
    workers = stage.workers()
    await stage.run(workers)
    assert await stage.storage.write(lambda tx: tx.messages.cancel(message.id, stage.clock.now()))
    stage.clock.advance(3600)
    await stage.run(workers)
    assert (len(stage.email.calls), await stage.status(message)) == (1, MessageStatus.CANCELLED)


async def test_a_cancelled_in_app_message_does_not_reach_the_inbox(stage: Stage) -> None:
    await stage.template("in_app")
    send, (message,) = await stage.send([("ann", "ann")], channel="in_app")
    await stage.cancel(send)
    await stage.run(stage.inbox_worker())
    assert (await stage.inbox(), await stage.status(message)) == ([], MessageStatus.CANCELLED)
