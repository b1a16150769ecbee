"""Keeps lines of the log that come again and again from filling the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

MOST = 20
"""Lines of one text in a minute; the others are counted."""
WINDOW = 60.0
"""Seconds."""
OURS = ("server", "storage")


@dataclass(slots=True)
class _Window:
    until: float
    lines: int = 0
    last: logging.LogRecord | None = None
    """The newest of those that were left out."""


class Repeats:
    """Counts warnings and errors by their text before its values are filled in; those of a library,
    which fills them in itself, by its name; and those with `by_text` (an `extra`), whose values
    matter, by their whole text."""

    def __init__(self, steady: Callable[[], float] = monotonic) -> None:
        self._steady = steady
        self._windows: dict[object, _Window] = {}

    def take(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be written."""
        if record.levelno < logging.WARNING:
            return True
        key = _text_of(record)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(self._steady() + WINDOW)
        window.lines += 1
        if window.lines <= MOST:
            return True
        window.last = record
        return False

    def take_over(self, *, all_of_them: bool = False) -> list[logging.LogRecord]:
        """What is to be told of the texts whose minute is over, or of `all_of_them`, which are
        forgotten."""
        now = self._steady()
        over = [key for key, each in self._windows.items() if all_of_them or now >= each.until]
        windows = [self._windows.pop(key) for key in over]
        return [_told(each.last, each.lines - MOST) for each in windows if each.last is not None]


def _text_of(record: logging.LogRecord) -> object:
    if getattr(record, "by_text", False):
        return record.name, record.getMessage()
    ours = record.name.startswith(OURS)
    return record.name, record.levelno, record.msg if ours else None


def _told(last: logging.LogRecord, count: int) -> logging.LogRecord:
    return logging.LogRecord(
        last.name,
        last.levelno,
        last.pathname,
        last.lineno,
        "… and %d more like it within a minute, the last: %s",
        (count, last.getMessage()),
        None,
    )
