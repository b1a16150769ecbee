"""A dispatcher in a process of its own that ends at a point."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

from server.app import Part, Service
from server.channels.provider import Provider
from server.commands.sends import resolve_audience
from server.config import Settings
from storage.contract.storage import Storage
from tests.chaos.crash_points import CrashingProvider, CrashingStorage, Fuse, Point

DISPATCHER = frozenset({Part.DISPATCHER})
BATCH = 20
"""People an expansion takes at once here, so that a small audience takes several."""


@dataclass(frozen=True)
class Crash:
    """Where a dispatcher is to end, and what it works with."""

    settings: Settings
    ledger: Path
    point: Point
    times: int = 1


class CrashingService(Service):
    """The service as it is, but for what is wrapped."""

    def __init__(self, crash: Crash) -> None:
        super().__init__(crash.settings, DISPATCHER)
        self._crash = crash
        self._fuse = Fuse(crash.point, crash.times)

    async def _open_storage(self) -> None:
        await super()._open_storage()
        self.storage = cast(Storage, CrashingStorage(self.storage, self._fuse))

    def _build_providers(self) -> Mapping[str, Provider]:
        ledger = self._crash.ledger
        return {
            channel: cast(Provider, CrashingProvider(provider, self._fuse, ledger))
            for channel, provider in super()._build_providers().items()
        }


def run(crash: Crash) -> None:
    """Works until it ends."""
    resolve_audience.BATCH = BATCH
    asyncio.run(_work(crash))


async def _work(crash: Crash) -> None:
    await CrashingService(crash).start()
    await asyncio.Event().wait()


class Nursery:
    """Makes children quickly: they are forked off a process that has loaded everything and done
    nothing."""

    def __init__(self) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])

    async def crash(self, crash: Crash, seconds: float = 30.0) -> int | None:
        """The exit status of a dispatcher that works until it ends; None if it had to be killed
        when time was up."""
        child = self._context.Process(target=run, args=(crash,), daemon=True)
        child.start()
        try:
            async with asyncio.timeout(seconds):
                await _ended(child)
            return child.exitcode
        except TimeoutError:
            return None
        finally:
            child.kill()
            child.join()


async def _ended(child: BaseProcess) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(child.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(child.sentinel)
    child.join()
