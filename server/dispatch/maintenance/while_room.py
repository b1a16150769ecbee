"""Stops a loop that adds to what is kept while the disk has too little room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from server.dispatch.delivery.claimer import NO_ROOM_PAUSE
from server.dispatch.loop import Loop
from server.domain.clock import Clock


class WhileRoom:
    """A loop whose passes do nothing while there is no room."""

    def __init__(self, loop: Loop, clock: Clock, has_room: Callable[[], bool]) -> None:
        self._loop = loop
        self._clock = clock
        self._has_room = has_room

    @property
    def name(self) -> str:
        """That of the loop."""
        return self._loop.name

    @property
    def topics(self) -> tuple[str, ...]:
        """Those of the loop."""
        return self._loop.topics

    async def run_once(self) -> bool:
        """A pass of the loop if there is room."""
        return self._has_room() and await self._loop.run_once()

    async def next_due(self) -> datetime | None:
        """When the loop says; or when it is looked again."""
        return (
            await self._loop.next_due() if self._has_room() else self._clock.now() + NO_ROOM_PAUSE
        )
