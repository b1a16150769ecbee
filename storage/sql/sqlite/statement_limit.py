"""Stops statements of an SQLite connection that take too long, or that nobody waits for any
more."""

from __future__ import annotations

import sqlite3
import time
from asyncio import Future
from typing import Any

_STEPS = 20_000
"""Of SQLite's machine between two looks: a fraction of a millisecond. Most statements take fewer,
and cost nothing."""


class StatementLimit:
    """The limit of one connection. SQLite asks it from the thread that runs the statement, so that
    nothing but that statement can be stopped."""

    def __init__(self, driver: sqlite3.Connection, seconds: float) -> None:
        self._seconds = seconds
        self._end = float("inf")
        self._waiting: Future[Any] | None = None
        driver.set_progress_handler(self._is_over, _STEPS)

    def begin(self, waiting: Future[Any] | None = None) -> None:
        """The time runs from now on; with `waiting`, it is also over once that is cancelled."""
        self._end = time.monotonic() + self._seconds
        self._waiting = waiting

    def _is_over(self) -> bool:
        return (
            self._waiting is not None and self._waiting.cancelled()
        ) or time.monotonic() > self._end
