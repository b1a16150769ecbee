"""Keeps one party from holding all connections of a database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class Shares:
    """Lets few transactions of a party work at once; others of it wait for those."""

    def __init__(self, of_a_party: int) -> None:
        self._of_a_party = of_a_party
        self._room: dict[str, asyncio.Semaphore] = {}
        self._there: Counter[str] = Counter()
        """Transactions that work or wait, by party."""

    async def hold(self, whose: str, work: Callable[[], Awaitable[T]]) -> T:
        """What the work returns, once the party has room for it; nobody's needs none."""
        if not whose:
            return await work()
        room = self._room.setdefault(whose, asyncio.Semaphore(self._of_a_party))
        self._there[whose] += 1
        try:
            async with room:
                return await work()
        finally:
            self._there[whose] -= 1
            if not self._there[whose]:
                # There are many parties, and few that ask for anything at the moment.
                del self._there[whose], self._room[whose]
