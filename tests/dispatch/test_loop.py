"""When a loop wakes, and that nothing but a stop ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from server.dispatch import loop as loop_module
from server.dispatch.loop import STOPPING, run_loop
from storage.contract.signals import Signals
from tests.support.clocks import ManualClock

FOREVER = 3600.0


class CountedLoop:
    """Does what it is told at each pass."""

    name = "counted"
    topics = ("work", "more work")

    def __init__(self, *passes: Callable[[], bool]) -> None:
        self.count = 0
        self.due: datetime | None = None
        self._passes = list(passes)
        self._done = asyncio.Condition()

    async def run_once(self) -> bool:
        self.count += 1
        async with self._done:
            self._done.notify_all()
        return self._passes.pop(0)() if self._passes else False

    async def next_due(self) -> datetime | None:
        return self.due

    async def passed(self, times: int) -> None:
        async with self._done:
            await self._done.wait_for(lambda: self.count >= times)


class Runner:
    """One loop, running."""

    def __init__(self, loop: CountedLoop, poll_interval: float = FOREVER) -> None:
        self.signals = Signals()
        self.clock = ManualClock()
        self.stopping = asyncio.Event()
        self.task = asyncio.create_task(
            run_loop(loop, self.signals, self.clock, lambda: poll_interval, self.stopping)
        )

    async def stop(self) -> None:
        self.stopping.set()
        self.signals.fire([STOPPING])
        await self.task


async def asleep() -> None:
    """Lets everything that is ready run, so that what was awake is asleep."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("topic", CountedLoop.topics)
async def test_a_signal_wakes_a_sleeping_loop(topic: str) -> None:
    loop = CountedLoop()
    runner = Runner(loop)
    await asleep()
    assert loop.count == 1
    runner.signals.fire(["something else"])
    await asleep()
    assert loop.count == 1
    runner.signals.fire([topic])
    await loop.passed(2)
    await runner.stop()


async def test_a_signal_during_a_pass_is_not_lost() -> None:
    def fire() -> bool:
        runner.signals.fire(["work"])
        return False

    loop = CountedLoop(fire)
    runner = Runner(loop)
    await loop.passed(2)
    await runner.stop()


async def test_a_loop_goes_on_at_once_while_there_is_more() -> None:
    loop = CountedLoop(lambda: True, lambda: True)
    runner = Runner(loop)
    await loop.passed(3)
    await asleep()
    assert loop.count == 3
    await runner.stop()


async def test_a_loop_wakes_when_the_next_thing_is_due() -> None:
    loop = CountedLoop()
    runner = Runner(loop)
    loop.due = runner.clock.now() + timedelta(milliseconds=1)
    await loop.passed(2)
    await runner.stop()


async def test_what_is_overdue_is_not_slept_on() -> None:
    loop = CountedLoop()
    runner = Runner(loop)
    loop.due = runner.clock.now() - timedelta(days=1)
    await loop.passed(3)
    await runner.stop()


async def test_a_loop_looks_again_by_itself() -> None:
    loop = CountedLoop()
    runner = Runner(loop, poll_interval=0.001)
    loop.due = runner.clock.now() + timedelta(days=1)
    await loop.passed(3)
    await runner.stop()


async def test_a_pass_that_fails_does_not_end_the_loop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop_module, "PAUSE_AFTER_FAULT", 0.001)

    def fail() -> bool:
        raise RuntimeError("a fault")

    loop = CountedLoop(fail, fail)
    runner = Runner(loop)
    await loop.passed(3)
    await runner.stop()
    assert caplog.messages == ["loop counted failed a pass"] * 2


async def test_a_loop_rests_after_a_fault_even_if_it_was_signalled_meanwhile(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fire_and_fail() -> bool:
        runner.signals.fire(["work"])
        raise RuntimeError("a fault")

    loop = CountedLoop(fire_and_fail)
    runner = Runner(loop)
    await asleep()
    assert loop.count == 1
    await runner.stop()


async def test_a_stop_ends_a_sleeping_loop() -> None:
    loop = CountedLoop()
    runner = Runner(loop)
    await asleep()
    await runner.stop()
    assert loop.count == 1


async def test_a_stop_before_the_loop_begins_is_not_lost() -> None:
    loop = CountedLoop()
    runner = Runner(loop)
    await runner.stop()
    assert loop.count == 0


@pytest.mark.parametrize("fails", [False, True])
async def test_a_stop_during_a_pass_is_not_lost(
    fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "PAUSE_AFTER_FAULT", FOREVER)

    def stop() -> bool:
        runner.stopping.set()
        runner.signals.fire([STOPPING])
        if fails:
            raise RuntimeError("a fault")
        return True

    loop = CountedLoop(stop)
    runner = Runner(loop)
    await runner.task
    assert loop.count == 1
