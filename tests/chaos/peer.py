"""A provider to deliver to, as those who start it see it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.chaos.behaviour import Deed, Fault
from tests.chaos.ledger import Entry, read_ledger
from tests.support.carillon import REPOSITORY


@dataclass
class Peer:
    """A provider that is running."""

    process: Process
    protocol: str
    port: int
    ledger: Path

    @property
    def url(self) -> str:
        """What a setting of Carillon says to deliver here."""
        return f"{self.protocol}://127.0.0.1:{self.port}"

    async def behave(self, *faults: Fault, delay: float = 0.0) -> None:
        """From now on these faults, each for its share of the deliveries; every answer takes
        `delay` seconds."""
        await self._order("behave", faults=[asdict(fault) for fault in faults], delay=delay)

    async def refuse_connections(self) -> None:
        """Breaks those that are open and takes no new ones."""
        await self._order("refuse")

    async def listen(self) -> None:
        """Takes connections again."""
        await self._order("listen")

    async def release(self) -> None:
        """Answers what it holds."""
        await self._order("release")

    async def deeds(self) -> Counter[Deed]:
        """How often it did what."""
        return Counter({Deed(deed): count for deed, count in (await self._order("tell")).items()})

    def entries(self) -> list[Entry]:
        """What it took so far."""
        return read_ledger(self.ledger)

    async def took(self, count: int, seconds: float = 60.0) -> None:
        """Returns when it has taken so many in all."""
        async with asyncio.timeout(seconds):
            await self._order("await_taken", count=count)

    async def _order(self, order: str, **more: Any) -> dict[str, int]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps({'order': order, **more})}\n".encode())
        answer: dict[str, int] = json.loads(await self.process.stdout.readline())
        return answer


@asynccontextmanager
async def running_peer(protocol: str, ledger: Path, *options: str) -> AsyncIterator[Peer]:
    """A provider that speaks `smtp` or `http` and writes what it took to `ledger`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.peer_process", protocol, str(ledger), *options),
        cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield Peer(process, protocol, port, ledger)
    finally:
        process.stdin.close()
        await process.wait()
