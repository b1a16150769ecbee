"""The database as the dispatcher uses it: on connections that callers do not have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from storage.contract.signals import Signals
from storage.contract.storage import Storage, Transaction
from storage.contract.work import Work
from storage.model.messages import Accepted, Message

T = TypeVar("T")


class DeliveryStorage:
    """A storage all of whose transactions are deliveries', unless they are said to be others."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def signals(self) -> Signals:
        """See Storage."""
        return self._storage.signals

    @property
    def exclusive(self) -> bool:
        """See Storage."""
        return self._storage.exclusive

    async def read(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.DELIVERY,
        whose: str = "",
    ) -> T:
        """See Storage."""
        return await self._storage.read(function, work, whose)

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.DELIVERY,
        whose: str = "",
    ) -> T:
        """See Storage."""
        return await self._storage.write(function, work, whose)

    async def now(self) -> datetime:
        """See Storage."""
        return await self._storage.now()

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        """See Storage."""
        return await self._storage.insert_one_offs(messages, accepted)

    async def ping(self) -> None:
        """See Storage."""
        await self._storage.ping()

    async def close(self) -> None:
        """See Storage."""
        await self._storage.close()
