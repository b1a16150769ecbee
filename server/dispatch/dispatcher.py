"""All the loops of one dispatcher, started and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random

from server.channels.provider import Provider
from server.dispatch.audiences import Audiences, ResolveBatch
from server.dispatch.due_campaigns import DueCampaigns, StartDue
from server.dispatch.inbox_lane import InboxLane
from server.dispatch.lane import Lane
from server.dispatch.loop import STOPPING, Loop, run_loop
from server.dispatch.recovery import RecoveryLoop, key_windows_of
from server.dispatch.renderer import Renderer
from server.domain.clock import Clock
from storage.interface import Storage

LOOK_AGAIN_ALONE = 5.0
"""Longest sleep, in seconds, of a loop whose process owns the database: every change signals."""
LOOK_AGAIN_SHARED = 0.05
"""The same where other processes write too, whose changes do not signal here."""
RECOVERY_INTERVAL = 5.0
"""Seconds between looks for expired leases."""


class Dispatcher:
    """Runs the loops. Ready once the leases of a dead process have been taken back."""

    def __init__(
        self,
        *,
        storage: Storage,
        clock: Clock,
        providers: Mapping[str, Provider],
        start_due: StartDue,
        resolve_batch: ResolveBatch,
        unsubscribe_link: Callable[[str], str],
        random: Random,
    ) -> None:
        renderer = Renderer(storage, unsubscribe_link)
        self._storage = storage
        self._clock = clock
        self._look_again = LOOK_AGAIN_ALONE if storage.exclusive else LOOK_AGAIN_SHARED
        self._recovery = RecoveryLoop(storage, clock, key_windows_of(providers.values()))
        self.lanes = [
            Lane(channel=channel, provider=provider, storage=storage, clock=clock, renderer=renderer, random=random)
            for channel, provider in providers.items()
        ]
        self._loops: list[Loop] = [
            DueCampaigns(storage, clock, start_due),
            Audiences(storage, clock, resolve_batch),
            InboxLane(storage, clock, renderer),
            *self.lanes,
        ]
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = False

    async def start(self) -> None:
        """Takes back dead leases, then starts every loop."""
        await self._recovery.run_once()
        for lane in self.lanes:
            await lane.start()
        self._run(self._recovery, RECOVERY_INTERVAL)
        for loop in self._loops:
            self._run(loop, self._look_again)
        self.ready = True

    async def stop(self) -> None:
        """Stops claiming, gives back leased rows, finishes what is with a provider and writes what came of it."""
        self.ready = False
        self._stopping.set()
        self._storage.signals.fire([STOPPING])
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*(lane.stop() for lane in self.lanes))

    def _run(self, loop: Loop, look_again: float) -> None:
        self._tasks.append(
            asyncio.create_task(run_loop(loop, self._storage.signals, self._clock, look_again, self._stopping), name=loop.name)
        )
