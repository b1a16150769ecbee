"""A database that goes away and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from storage.contract.errors import StorageUnavailable
from storage.contract.signals import Signals
from storage.contract.storage import Storage, Transaction
from storage.contract.work import Work
from storage.model.messages import Accepted, Message

T = TypeVar("T")


class Outage:
    """A storage that is real, behind a connection that is not always there."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.exclusive = storage.exclusive
        self.reads = 0
        self.writes = 0
        """Writes that were tried."""
        self.down = False
        """Nothing gets through."""
        self.goes_down_after: int | None = None
        """The number of the write after which nothing gets through."""
        self.loses_answer_of: int | None = None
        """The number of a write that takes effect, but nobody learns of it."""
        self.after: dict[int, Callable[[], object]] = {}
        """What happens between the commit of a write, by its number, and whoever waits for it."""
        self.refused = asyncio.Event()
        """Set when something did not get through."""

    @property
    def signals(self) -> Signals:
        return self._storage.signals

    async def read(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        self.reads += 1
        self._pass()
        return await self._storage.read(function, work, whose)

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        self.writes += 1
        self._pass()
        number = self.writes
        result = await self._storage.write(function, work, whose)
        self.after.pop(number, lambda: None)()
        if number == self.goes_down_after:
            self.down = True
        if number == self.loses_answer_of:
            raise StorageUnavailable("the connection broke during the commit")
        return result

    async def now(self) -> datetime:
        self._pass()
        return await self._storage.now()

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        return await self.write(lambda tx: tx.messages.insert_one_offs(messages, accepted))

    async def ping(self) -> None:
        self._pass()

    async def close(self) -> None:
        await self._storage.close()

    def _pass(self) -> None:
        if self.down:
            self.refused.set()
            raise StorageUnavailable("the database is away")
