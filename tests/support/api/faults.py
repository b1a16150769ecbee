"""A service whose storage fails when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest

from server.app import Part
from server.config import Settings
from server.database import migrate_database
from server.domain.errors import CarillonError
from storage.contract.errors import StorageUnavailable
from storage.contract.signals import Signals
from storage.contract.storage import Storage, Transaction
from storage.contract.work import TimeLimits, Work
from storage.model.messages import Accepted, Message
from storage.sql.open import open_storage
from tests.support.api.running import Running, running_service

T = TypeVar("T")
WITHOUT_DISPATCHER = frozenset({Part.API, Part.GATEWAY})


class FaultyStorage:
    """A real storage; with a `fault`, every transaction runs and is then taken back by it, as when
    a commit fails."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self.fault: Exception | None = None
        self.stall: asyncio.Event | None = None
        """Transactions wait for it before they begin."""

    @property
    def signals(self) -> Signals:
        return self._inner.signals

    @property
    def exclusive(self) -> bool:
        return self._inner.exclusive

    @contextmanager
    def failing_with(self, fault: Exception) -> Iterator[None]:
        """Every transaction fails meanwhile."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    async def read(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        return await self._inner.read(self._failing(function), work, whose)

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        if self.stall is not None:
            await self.stall.wait()
        return await self._inner.write(self._failing(function), work, whose)

    async def now(self) -> datetime:
        return await self._inner.now()

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        return await self.write(lambda tx: tx.messages.insert_one_offs(messages, accepted))

    async def ping(self) -> None:
        # What fails a statement leaves the database there for those who only ask whether it is.
        if isinstance(self.fault, StorageUnavailable):
            raise self.fault
        await self._inner.ping()

    async def close(self) -> None:
        await self._inner.close()

    def _failing(
        self, function: Callable[[Transaction], Awaitable[T]]
    ) -> Callable[[Transaction], Awaitable[T]]:
        async def failing(tx: Transaction) -> T:
            if self.fault is None:
                return await function(tx)
            with suppress(CarillonError):
                await function(tx)
            raise self.fault.with_traceback(None)

        return failing


@asynccontextmanager
async def running_faulty_service(
    data_dir: Path, config_root: Path | None = None
) -> AsyncIterator[tuple[Running, FaultyStorage]]:
    """A service without a dispatcher, and the storage to break under it. `config_root` has another
    `envoy.yaml`."""
    await migrate_database(Settings(data_dir=data_dir))
    opened: list[FaultyStorage] = []

    async def open_faulty(url: str, *, share_signals: bool, limits: TimeLimits) -> FaultyStorage:
        opened.append(
            FaultyStorage(await open_storage(url, share_signals=share_signals, limits=limits))
        )
        return opened[0]

    async with AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("server.app.open_storage", open_faulty)
            if config_root is not None:
                patch.setattr("server.app.CONFIG_ROOT", config_root)
            running = await stack.enter_async_context(
                running_service(data_dir, parts=WITHOUT_DISPATCHER)
            )
        yield running, opened[0]
