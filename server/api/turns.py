"""Lets few calls work at once, and of each brand fewer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from server.domain.errors import Overloaded

WAIT_SECONDS = 2.0
"""Longest that a call waits for its turn. Then its caller is told to come again."""


class Turns:
    """Gives turns. Those who wait for their own brand hold up no other."""

    def __init__(self, at_once: int, of_a_brand: int = 1) -> None:
        """`at_once` may work, `of_a_brand` of them for one brand."""
        self._room = asyncio.Semaphore(at_once)
        self._of_a_brand = of_a_brand
        self._brands: dict[str, asyncio.Semaphore] = {}
        self._calls: dict[str, int] = {}
        """That work or wait, by brand."""

    @asynccontextmanager
    async def turn(self, brand_id: str) -> AsyncIterator[None]:
        """Waits for a turn and holds it. Raises Overloaded if none comes in time."""
        async with AsyncExitStack() as held:
            self._calls[brand_id] = self._calls.get(brand_id, 0) + 1
            held.callback(self._leave, brand_id)
            brand = self._brands.setdefault(brand_id, asyncio.Semaphore(self._of_a_brand))
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await held.enter_async_context(brand)
                    await held.enter_async_context(self._room)
            except TimeoutError:
                raise Overloaded from None
            yield

    def _leave(self, brand_id: str) -> None:
        self._calls[brand_id] -= 1
        if not self._calls[brand_id]:
            # There are many brands, and few that ask for anything at the moment.
            del self._calls[brand_id], self._brands[brand_id]
