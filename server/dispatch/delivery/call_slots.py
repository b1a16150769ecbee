"""Gives marked messages their turns at the provider: so many calls at once, transactional ones
first."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

from server.dispatch.delivery.reserve import marketing_share
from storage.model.messages import Purpose


class CallSlots:
    """Counts the calls that are with the provider. A part of them is for transactional messages
    alone, and of those that wait, transactional ones come first."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken = dict.fromkeys(Purpose, 0)
        self._waiting: dict[Purpose, deque[asyncio.Future[None]]] = {
            Purpose.TRANSACTIONAL: deque(),
            Purpose.MARKETING: deque(),
        }

    async def take(self, purpose: Purpose, within: timedelta) -> bool:
        """Whether a call for the purpose may begin: at once, or when others have ended in time."""
        if self._is_free(purpose) and not self._waiting[purpose]:
            self._taken[purpose] += 1
            return True
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._turn(purpose)
        except TimeoutError:
            return False
        return True

    async def _turn(self, purpose: Purpose) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting[purpose].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back(purpose)
            elif turn in self._waiting[purpose]:
                self._waiting[purpose].remove(turn)
            raise

    def give_back(self, purpose: Purpose) -> None:
        """A call has ended."""
        self._taken[purpose] -= 1
        for each, turns in self._waiting.items():
            while turns and self._is_free(each):
                turn = turns.popleft()
                # One that was cancelled a moment ago has not taken itself out yet.
                if not turn.done():
                    self._taken[each] += 1
                    turn.set_result(None)

    def _is_free(self, purpose: Purpose) -> bool:
        if sum(self._taken.values()) >= self._total:
            return False
        return purpose is Purpose.TRANSACTIONAL or self._taken[Purpose.MARKETING] < marketing_share(
            self._total
        )
