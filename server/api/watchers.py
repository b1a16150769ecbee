"""Bounds how many streams one caller has open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from server.domain.access import Principal
from server.domain.errors import Overloaded


class Watchers:
    """Counts the streams of each caller that are open in this process."""

    def __init__(self, most: int) -> None:
        """A caller may have so many at once."""
        self._most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_of(self, principal: Principal) -> Iterator[None]:
        """Counts a stream for as long as it is open. Raises Overloaded if it is one too many."""
        caller = principal.idempotency_scope
        if self._open[caller] >= self._most:
            raise Overloaded("too many streams of this caller are open; close one of them first")
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
