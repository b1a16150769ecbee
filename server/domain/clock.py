"""Clocks: where `now` comes from. Everything below `server/app.py` is given a clock or an instant,
and never reads the time itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

LONGEST_ROUND_TRIP = 1.0
"""Seconds: a measurement that took longer says less than the one before. Half of a round trip is
the most that one is wrong by."""

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """A source of the current instant."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


def steady_seconds() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps where the
    system has such a one (Linux)."""
    return time.clock_gettime(_STEADY)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


class DatabaseClock:
    """The clock of a database that several processes share, so that they agree on what is due and
    when a lease ends, whatever their machines' clocks say. Until it has been measured, the
    machine's clock."""

    def __init__(self, steady: Callable[[], float] = steady_seconds) -> None:
        self._steady = steady
        self._measured: tuple[datetime, float] | None = None
        """What the database said, and when, by `steady`."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        if self._measured is None:
            return datetime.now(UTC)
        theirs, at = self._measured
        return theirs + timedelta(seconds=self._steady() - at)

    async def measure(self, read: Callable[[], Awaitable[datetime]]) -> None:
        """Asks the database. What it says is taken to be of the middle of the round trip."""
        asked = self._steady()
        theirs = await read()
        answered = self._steady()
        if self._measured is None or answered - asked <= LONGEST_ROUND_TRIP:
            self._measured = theirs, (asked + answered) / 2
