"""Lets few calls work at once, and of each brand fewer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

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
        end = await self.take(brand_id)
        try:
            yield
        finally:
            end()

    async def take(self, brand_id: str) -> Callable[[], None]:
        """Waits for a turn. Returns what ends it. Raises like `turn`."""
        self._calls[brand_id] = self._calls.get(brand_id, 0) + 1
        brand = self._brands.setdefault(brand_id, asyncio.Semaphore(self._of_a_brand))
        taken: list[asyncio.Semaphore] = []

        def end() -> None:
            for each in taken:
                each.release()
            self._leave(brand_id)

        try:
            async with asyncio.timeout(WAIT_SECONDS):
                for each in (brand, self._room):
                    await each.acquire()
                    taken.append(each)
        except TimeoutError:
            end()
            raise Overloaded from None
        except BaseException:
            end()
            raise
        return end

    def _leave(self, brand_id: str) -> None:
        self._calls[brand_id] -= 1
        if not self._calls[brand_id]:
            # There are many brands, and few that ask for anything at the moment.
            del self._calls[brand_id], self._brands[brand_id]
