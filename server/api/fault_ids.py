"""The ids under which faults are logged: one of its own for each, unless the same fault comes again
and again. So no caller can fill the log with it, and every id that was answered is in the log."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from storage.model.ids import new_id

MOST = 10
"""Ids of one cause in a minute. Those who meet it once more are given the last of them."""
WINDOW = 60.0
"""Seconds."""


class FaultIds:
    """Remembers, for a minute, the ids of each cause: the method, and where what was raised."""

    def __init__(self, steady: Callable[[], float] = monotonic) -> None:
        self._steady = steady
        self._ids: dict[object, list[str]] = {}
        self._until = steady() + WINDOW

    def id_of(self, fault: Exception, method: str) -> str:
        """The id to answer and to log."""
        if self._steady() >= self._until:
            self._ids.clear()
            self._until = self._steady() + WINDOW
        ids = self._ids.setdefault((method, type(fault), _place_of(fault)), [])
        if len(ids) < MOST:
            ids.append(new_id())
        return ids[-1]


def _place_of(fault: Exception) -> tuple[str, int] | None:
    """The line that raised it; None if it was never raised."""
    trace = fault.__traceback__
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename, trace.tb_lineno
