"""With a provider that is quicker than the commits around its calls, more is marked than it takes
at once; what waits for its turn is called within the window, or given back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from server.dispatch.delivery import executor
from server.dispatch.delivery.call_slots import CallSlots
from server.dispatch.delivery.concurrency import MOST_AHEAD, ConcurrencyLimit
from storage.model.messages import Purpose
from tests.dispatch.delivery.test_circuit_breaker import SLOW_DOWN
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage
from tests.support.dispatch.workers import ChannelWorkers

LONG = timedelta(seconds=60)
AT_ONCE = timedelta(0)


def learned(limit: ConcurrencyLimit, called: float, beside: float) -> int:
    for _ in range(500):
        limit.learn(called, beside)
    return limit.total


@pytest.mark.parametrize(
    ("called", "beside", "total"),
    [
        (1.000, 0.010, 20),
        (0.170, 0.010, 24),
        (0.040, 0.010, 40),
        (0.001, 0.010, 20 * (1 + MOST_AHEAD)),
        (0.0, 1.0, 20),
    ],
)
def test_so_many_are_in_progress_that_the_provider_is_kept_busy(
    called: float, beside: float, total: int
) -> None:
    limit = ConcurrencyLimit(20)
    assert limit.total == 20
    assert abs(learned(limit, called, beside) - total) <= 1
    limit.start_over()
    assert limit.total == 20


async def test_transactional_calls_come_first_and_have_slots_of_their_own() -> None:
    slots, began = CallSlots(4), list[str]()

    async def call(name: str, purpose: Purpose) -> None:
        assert await slots.take(purpose, LONG)
        began.append(name)

    async with asyncio.TaskGroup() as calls:
        for number in range(4):
            calls.create_task(call(f"news {number}", Purpose.MARKETING))
        for number in range(2):
            calls.create_task(call(f"code {number}", Purpose.TRANSACTIONAL))
        await asyncio.sleep(0)
        assert began == ["news 0", "news 1", "news 2", "code 0"]
        slots.give_back(Purpose.MARKETING)
        await asyncio.sleep(0)
        slots.give_back(Purpose.MARKETING)
    assert began[4:] == ["code 1", "news 3"]


async def test_who_does_not_wait_any_more_takes_no_slot() -> None:
    slots = CallSlots(1)
    assert await slots.take(Purpose.MARKETING, LONG)
    assert not await slots.take(Purpose.MARKETING, AT_ONCE)
    gone = asyncio.create_task(slots.take(Purpose.TRANSACTIONAL, LONG))
    given = asyncio.create_task(slots.take(Purpose.TRANSACTIONAL, LONG))
    await asyncio.sleep(0)
    gone.cancel()
    slots.give_back(Purpose.MARKETING)
    given.cancel()
    await asyncio.wait([gone, given])
    assert await slots.take(Purpose.MARKETING, AT_ONCE)


async def marked_ahead(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> tuple[ScriptedProvider, ChannelWorkers]:
    """One call in progress, and three marked messages that wait for their turn."""
    monkeypatch.setattr(ConcurrencyLimit, "total", 5)
    provider = ScriptedProvider(max_concurrency=1)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(1)
    return provider, workers


async def test_what_waits_when_the_provider_wants_quiet_is_given_back_uncalled(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, messages = await stage.send(4)
    provider, workers = await marked_ahead(stage, monkeypatch)
    provider.will(provider.addresses()[0], SLOW_DOWN)
    assert await stage.counted(send) == {"total": 4, "in_flight": 4}
    provider.let_go()
    await workers.drain()
    assert len(provider.calls) == 1
    assert sorted([(await stage.found(each)).attempts for each in messages]) == [0, 0, 0, 1]
    assert await stage.counted(send) == {"total": 4, "pending": 4}


async def test_what_does_not_get_its_turn_within_the_window_is_given_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "START_WINDOW", timedelta(milliseconds=20))
    send, messages = await stage.send(4)
    provider, workers = await marked_ahead(stage, monkeypatch)
    counts: dict[str, int] = {}
    while counts.get("pending") != 3:
        counts = await stage.counted(send)
    assert counts == {"total": 4, "in_flight": 1, "pending": 3}
    assert sorted([(await stage.found(each)).attempts for each in messages]) == [0, 0, 0, 1]
    provider.let_go()
    await workers.drain()
    assert len(provider.calls) == 1
