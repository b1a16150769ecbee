"""Runs a loop: a pass, then sleep until the next thing is due, a signal comes, or it is time to
look again anyway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Protocol

from server.domain.clock import Clock
from storage.contract.signals import Signals, wait_for_signal

PAUSE_AFTER_FAULT = 1.0
"""Seconds a loop rests after a pass that raised."""

_log = logging.getLogger(__name__)


def always() -> bool:
    """Whether there is room, where nobody looks."""
    return True


class Loop(Protocol):
    """Work done in passes. A pass that is cut off or fails can be done again."""

    @property
    def name(self) -> str:
        """For the log and the readiness probe."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """Signals that end the sleep."""
        ...

    async def run_once(self) -> bool:
        """One pass. True if there may be more to do at once."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next thing comes due, as far as is known; None if nothing is waiting."""
        ...


async def run_loop(
    loop: Loop,
    signals: Signals,
    clock: Clock,
    poll_interval: Callable[[], float],
    stopping: asyncio.Event,
) -> None:
    """Runs passes until `stopping` is set. A fault is logged and the loop goes on. `poll_interval`
    is the longest sleep in seconds, as it is now."""
    wake = asyncio.Event()
    with ExitStack() as stack:
        for topic in loop.topics:
            stack.enter_context(signals.subscribe(topic, wake))
        stack.enter_context(signals.subscribe(STOPPING, wake))
        while not stopping.is_set():
            wake.clear()
            try:
                if await loop.run_once():
                    continue
                delay = _delay(await loop.next_due(), clock.now(), poll_interval())
            except Exception:  # noqa: BLE001 - one fault must not end the loop
                _log.exception("loop %s failed a pass", loop.name)
                delay = PAUSE_AFTER_FAULT
                wake.clear()
            if not stopping.is_set():
                await wait_for_signal(wake, delay)


STOPPING = "stopping"
"""Fired when the dispatcher stops, so that sleeping loops notice."""


def _delay(due: datetime | None, now: datetime, poll_interval: float) -> float:
    if due is None:
        return poll_interval
    return min(max((due - now).total_seconds(), 0.0), poll_interval)
