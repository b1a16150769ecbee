"""Storage of the generations of dispatchers, and of the hold on delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from storage.model.dispatchers import Hold


class Dispatchers(Protocol):
    """The generation of each dispatcher, as the database knows it, so that a database from the past
    is noticed.

    A dispatcher has an id and a generation, kept in a file of its own and here. The generation
    grows in the transaction that marks messages; the file follows before the first provider is
    called. A database whose generation is behind the file's is older than messages that went out.
    """

    async def find_hold(self) -> Hold:
        """Whether delivery is held. While it is, `Messages.list_queues` gives nothing, and
        `advance` refuses."""
        ...

    async def hold(self, reason: str, now: datetime) -> None:
        """Holds delivery, unless it is held already."""
        ...

    async def release(self, released_by: str, now: datetime) -> None:
        """Ends the hold, and forgets the generations of all dispatchers: each starts anew from what
        its file says."""
        ...

    async def find_generation(self, dispatcher_id: str) -> int | None:
        """The generation of the dispatcher, or None if it never called a provider (or not since a
        release)."""
        ...

    async def exist(self) -> bool:
        """Whether any dispatcher ever called a provider, since the last release."""
        ...

    async def advance(self, dispatcher_id: str, known: int, next_generation: int) -> bool:
        """Sets the generation, if it is at least `known` (0: there may be none) and below
        `next_generation`, and delivery is not held. Otherwise returns False: the caller must not
        call a provider."""
        ...

    async def adopt(self, dispatcher_id: str, generation: int) -> None:
        """Sets the generation, whatever it was."""
        ...
