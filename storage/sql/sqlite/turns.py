"""Turns of parties whose transactions wait for the threads of SQLite."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

_SLOW_SECONDS = 0.01
"""Who joins a transaction that takes longer than this would notice."""


class Turns(Generic[T]):
    """What waits, of each party in order. The next one is that of the party whose turn it is; what
    may join another one is of the same party, or of one that was quick the last time, as that one
    was. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[T]] = {}
        """By party, the next one's first."""
        self._slow: set[str] = set()

    def append(self, whose: str, item: T, *, urgent: bool = False) -> None:
        """Has an item of a party wait; if it is `urgent` and the first of the party, it is next."""
        with self._lock:
            if whose in self._waiting:
                self._waiting[whose].append(item)
            elif urgent:
                self._waiting = {whose: deque((item,)), **self._waiting}
            else:
                self._waiting[whose] = deque((item,))

    def pop(self) -> T:
        """The next one. There must be one."""
        with self._lock:
            return self._pop(next(iter(self._waiting)))

    def pop_beside(self, whose: str) -> T | None:
        """The next one that may join one of this party; None if none may."""
        with self._lock:
            for other in self._waiting:
                if other == whose or not {other, whose} & self._slow:
                    return self._pop(other)
            return None

    def note(self, whose: str, seconds: float) -> None:
        """Takes note of how long one of the party took."""
        with self._lock:
            (self._slow.add if seconds > _SLOW_SECONDS else self._slow.discard)(whose)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    def _pop(self, whose: str) -> T:
        theirs = self._waiting.pop(whose)
        item = theirs.popleft()
        if theirs:
            # Behind everybody else.
            self._waiting[whose] = theirs
        return item
