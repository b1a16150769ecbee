"""What begins or ends at about the same time shares a commit, and nobody waits long for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from server.channels.provider import Envelope
from server.dispatch.delivery import settler as settler_module
from server.dispatch.delivery.concurrency import LINGER, ConcurrencyLimit
from storage.contract.signals import PROGRESS
from storage.model.messages import Purpose
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage

FOREVER = 3600.0


class Answers:
    """Those of a provider, given when a test says."""

    def __init__(self, provider: ScriptedProvider) -> None:
        self._given = asyncio.Semaphore(0)
        provider.witness = self._wait
        provider.let_go()

    def give(self, answers: int) -> None:
        """Ends so many calls, those that are in progress or come."""
        for _ in range(answers):
            self._given.release()

    async def _wait(self, _envelope: Envelope) -> None:
        await self._given.acquire()


class Beginning:
    """Workers that may make four calls, which do not end; the test says what time it is."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seconds = 100.0
        self.provider = stage.email
        self.provider.hold()
        self.workers = stage.workers(steady=lambda: self.seconds)

    async def begins(self, more: int) -> bool:
        """Whether a pass begins calls for so many more messages."""
        for number in range(more):
            await self.stage.message(f"person-{len(self.provider.calls)}-{number}")
        return await self.workers.transactional.run_once()


@pytest.fixture
async def beginning(stage: Stage) -> Beginning:
    return Beginning(stage)


@pytest.fixture
async def outage(stage: Stage) -> Outage:
    outage = Outage(stage.storage)
    stage.storage = outage
    await stage.start_guard()
    return outage


@pytest.mark.parametrize(("taken", "room"), [(0, 20), (5, 15), (6, 0), (19, 0), (20, 0)])
def test_room_is_used_when_it_is_most_of_what_there_is(taken: int, room: int) -> None:
    limit = ConcurrencyLimit(20)
    limit.acquire(Purpose.TRANSACTIONAL, taken, now=7.0)
    assert limit.room(Purpose.TRANSACTIONAL, 7.0) == room


@pytest.mark.parametrize(("taken", "room"), [(0, 15), (3, 12), (4, 0), (15, 0)])
def test_for_marketing_it_is_most_of_what_marketing_may_use(taken: int, room: int) -> None:
    limit = ConcurrencyLimit(20)
    limit.acquire(Purpose.MARKETING, taken, now=7.0)
    assert limit.room(Purpose.MARKETING, 7.0) == room


def test_room_for_few_calls_is_there_a_moment_after_the_last() -> None:
    limit = ConcurrencyLimit(20)
    limit.acquire(Purpose.TRANSACTIONAL, 12, now=7.0)
    assert limit.seconds_until_room(Purpose.TRANSACTIONAL, 7.0) == pytest.approx(
        LINGER[Purpose.TRANSACTIONAL]
    )
    assert (
        limit.room(Purpose.TRANSACTIONAL, 7.0 + 0.9 * LINGER[Purpose.TRANSACTIONAL]),
        limit.room(Purpose.TRANSACTIONAL, 7.0 + 1.1 * LINGER[Purpose.TRANSACTIONAL]),
    ) == (0, 8)


def test_a_one_off_beside_the_calls_of_a_send_waits_for_nothing() -> None:
    limit = ConcurrencyLimit(20)
    limit.acquire(Purpose.MARKETING, 15, now=7.0)
    assert limit.room(Purpose.TRANSACTIONAL, 7.0) == 5


async def test_room_for_few_calls_is_left_for_a_moment_and_then_used(
    stage: Stage, beginning: Beginning
) -> None:
    assert await beginning.begins(2)
    assert not await beginning.begins(1)
    assert await beginning.workers.transactional.next_due() == stage.clock.now() + timedelta(
        seconds=LINGER[Purpose.TRANSACTIONAL]
    )
    beginning.seconds += 1.1 * LINGER[Purpose.TRANSACTIONAL]
    assert await beginning.begins(0)
    await beginning.provider.called(3)


async def test_a_message_that_finds_room_for_most_calls_goes_at_once(beginning: Beginning) -> None:
    assert await beginning.begins(1)
    assert await beginning.begins(1)
    await beginning.provider.called(2)


async def test_when_all_calls_have_ended_the_next_begin_at_once(
    stage: Stage, beginning: Beginning
) -> None:
    assert await beginning.begins(4)
    beginning.provider.let_go()
    await beginning.workers.drain()
    assert await beginning.workers.transactional.next_due() is None
    assert await beginning.begins(1)


async def test_only_a_worker_that_found_no_room_is_woken_by_calls_that_end(
    stage: Stage, beginning: Beginning
) -> None:
    _, room = beginning.workers.transactional.topics
    with stage.storage.signals.subscribe(room) as woken:
        await beginning.begins(4)
        beginning.provider.let_go()
        await beginning.workers.drain()
        assert not woken.is_set()
        beginning.provider.hold()
        await beginning.begins(4)
        assert not await beginning.workers.transactional.run_once()
        beginning.provider.let_go()
        await beginning.workers.drain()
        assert woken.is_set()


async def test_a_worker_that_found_no_room_is_not_woken_by_the_first_call_that_ends(
    stage: Stage, beginning: Beginning
) -> None:
    answers = Answers(beginning.provider)
    _, room = beginning.workers.marketing.topics
    await stage.send(5)
    assert await beginning.workers.marketing.run_once()
    with (
        stage.storage.signals.subscribe(room) as woken,
        stage.storage.signals.subscribe(PROGRESS) as progress,
    ):
        assert not await beginning.workers.marketing.run_once()
        progress.clear()
        answers.give(1)
        await progress.wait()
        # Room has no event.
        while beginning.workers.executor.next_room(Purpose.MARKETING) is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not woken.is_set()
    # It has rows, and looks by itself.
    soon = stage.clock.now() + timedelta(seconds=LINGER[Purpose.MARKETING])
    assert await beginning.workers.marketing.next_due() == soon
    answers.give(4)


async def test_calls_that_begin_and_end_together_cost_three_writes(
    stage: Stage, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settler_module, "LINGER", FOREVER)
    answers = Answers(stage.email)
    messages = await stage.messages(3)
    workers = stage.workers()
    before = outage.writes
    await workers.transactional.run_once()
    for _ in messages:
        answers.give(1)
        await stage.status(messages[0])
    await workers.drain()
    assert (outage.writes - before, len(stage.email.calls)) == (3, 3)
