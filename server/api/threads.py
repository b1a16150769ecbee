"""Threads for what takes calls long enough for others to notice. Deliveries have their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from server.api.turns import Turns

T = TypeVar("T")

RENDERS_AT_ONCE = 2
_CHECKS = ThreadPoolExecutor(2, thread_name_prefix="checks")


async def check_on_thread(check: Callable[[], T]) -> T:
    """What a check of a large request returns. Its time grows with the request, which is bounded,
    so it needs no turn."""
    return await asyncio.get_running_loop().run_in_executor(_CHECKS, check)


class RenderThreads:
    """Renders templates for callers, one of a brand at a time: each may take a second."""

    def __init__(self) -> None:
        self._turns = Turns(RENDERS_AT_ONCE)
        self._threads = ThreadPoolExecutor(RENDERS_AT_ONCE, thread_name_prefix="previews")

    async def render(self, brand_id: str, work: Callable[[], T]) -> T:
        """What the work returns. Raises what it raises, or Overloaded if its turn does not come."""
        end = await self._turns.take(brand_id)
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # A thread cannot be stopped: the turn ends with its work, though the caller may be gone.
        running.add_done_callback(lambda _: end())
        return await asyncio.shield(running)
