"""Tells whether a process is ready: its database answers, its parts run, delivery is not held, the
disk has room."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from storage.contract.errors import StorageError
from storage.contract.storage import Storage


class ReadinessCheck:
    """Asks the database and each part of the process."""

    def __init__(
        self,
        storage: Storage,
        parts: Mapping[str, Callable[[], bool]],
        has_room: Callable[[], bool],
    ) -> None:
        self._storage = storage
        self._parts = parts
        self._has_room = has_room

    async def waiting_for(self) -> list[str]:
        """Names of what is not ready; of delivery while it is held. Empty when all is."""
        answers = await self.database_answers()
        ready = {
            "database": answers,
            "delivery (held)": not (answers and await self._is_held()),
            "disk (nearly full)": self._has_room(),
        } | {name: is_ready() for name, is_ready in self._parts.items()}
        return [name for name, is_ready in ready.items() if not is_ready]

    async def database_answers(self) -> bool:
        """Whether the database answers a ping."""
        try:
            await self._storage.ping()
        except StorageError:
            return False
        return True

    async def _is_held(self) -> bool:
        hold = await self._storage.read(lambda tx: tx.dispatchers.find_hold())
        return hold.held_at is not None
