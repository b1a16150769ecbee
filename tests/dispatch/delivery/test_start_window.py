"""A process that stood still between a mark and its call does not call: a cancel may have returned,
another may hold the row."""

from __future__ import annotations

import pytest

from server.domain.delivery.timing import START_WINDOW
from storage.model.messages import MessageStatus
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage
from tests.support.dispatch.workers import ChannelWorkers

WINDOW = START_WINDOW.total_seconds()


@pytest.fixture
async def outage(stage: Stage) -> Outage:
    outage = Outage(stage.storage)
    stage.storage = outage
    await stage.start_guard()
    return outage


def stands_still_after_its_mark(stage: Stage, outage: Outage, seconds: float) -> ChannelWorkers:
    """A worker of one pass; its claim is the next write, its mark the one after."""
    outage.after[outage.writes + 2] = lambda: stage.clock.advance(seconds)
    return stage.workers()


async def test_a_call_begins_within_the_window(stage: Stage, outage: Outage) -> None:
    message = await stage.message()
    await stage.run(stands_still_after_its_mark(stage, outage, WINDOW))
    assert await stage.fate(message) == ("sent", None)


async def test_after_the_window_no_call_begins_and_the_row_is_given_back(
    stage: Stage, outage: Outage
) -> None:
    send, messages = await stage.send(3)
    workers = stands_still_after_its_mark(stage, outage, WINDOW + 0.001)
    await workers.run_once()
    await workers.drain()
    assert stage.email.calls == []
    for message in messages:
        found = await stage.found(message)
        assert (found.status, found.attempts) == (MessageStatus.PENDING, 0)
    await stage.run(workers)
    assert await stage.counted(send) == {"total": 3, "sent": 3}
    assert len(stage.email.calls) == 3


async def test_a_clock_that_was_set_back_does_not_make_the_window_longer(
    stage: Stage, outage: Outage
) -> None:
    message = await stage.message(due_in=-60)
    steady = [0.0]
    workers = stage.workers(steady=lambda: steady[0])

    def stand_still() -> None:
        stage.clock.advance(-30)
        steady[0] += WINDOW + 0.001

    outage.after[outage.writes + 2] = stand_still
    await workers.run_once()
    await workers.drain()
    assert (stage.email.calls, await stage.status(message)) == ([], MessageStatus.PENDING)


async def test_after_a_cancel_and_the_window_no_call_begins(stage: Stage, outage: Outage) -> None:
    send, _ = await stage.send(3)
    workers = stands_still_after_its_mark(stage, outage, WINDOW + 0.001)
    await workers.run_once()
    await stage.cancel(send)
    await workers.drain()
    assert stage.email.calls == []
    assert await stage.counted(send) == {"total": 3, "cancelled": 3}


async def test_rows_of_a_send_that_is_paused_before_their_mark_are_given_back_at_once(
    stage: Stage,
) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    send, messages = await stage.send(3)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(1)
    await stage.storage.write(lambda tx: tx.sends.pause(send.id, stage.clock.now()))
    provider.let_go()
    await stage.run(workers)
    statuses = [await stage.status(message) for message in messages]
    assert (statuses.count(MessageStatus.SENT), statuses.count(MessageStatus.PENDING)) == (1, 2)
    assert await workers.next_due() is None
    await stage.storage.write(lambda tx: tx.sends.resume(send.id))
    await stage.run(workers)
    assert await stage.counted(send) == {"total": 3, "sent": 3}


def test_a_window_is_part_of_every_lease(stage_on_sqlite: Stage) -> None:
    stage_on_sqlite.workers(provider=ScriptedProvider(timeout=24.0))
    with pytest.raises(ValueError, match="too long for a lease"):
        stage_on_sqlite.workers(provider=ScriptedProvider(timeout=24.1))
