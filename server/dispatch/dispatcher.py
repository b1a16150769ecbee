"""Runs all the loops of one dispatcher, started and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType

from server.channels.provider import Provider
from server.dispatch.delivery.byte_budget import ByteBudget
from server.dispatch.delivery.inbox_worker import InboxWorker
from server.dispatch.delivery.provider_workers import ProviderWorkers
from server.dispatch.delivery.renderer import Renderer
from server.dispatch.delivery.restore_guard import RestoreGuard
from server.dispatch.loop import STOPPING, Loop, always, run_loop
from server.dispatch.maintenance.audience_resolver import AudienceResolver, ResolveBatch
from server.dispatch.maintenance.campaign_starter import CampaignStarter, StartDue
from server.dispatch.maintenance.cancellation_sweeper import CancellationSweeper
from server.dispatch.maintenance.counter_reconciler import CounterReconciler
from server.dispatch.maintenance.expirer import Expirer
from server.dispatch.maintenance.lease_recoverer import LeaseRecoverer, key_windows_of
from server.dispatch.maintenance.pruner import Pruner
from server.dispatch.maintenance.while_room import WhileRoom
from server.dispatch.metrics import DispatchMetrics, NoopMetrics
from server.domain.clock import Clock
from server.domain.contacts.unsubscribe import LinkedContact
from storage.contract.storage import Storage

POLL_EXCLUSIVE = 5.0
"""Longest sleep, in seconds, of a loop whose process owns the database: every change signals."""
POLL_HEARD = 2.0
"""The same where other processes write too and their signals are heard, which may be lost."""
POLL_SHARED = 0.05
"""The same where they are not heard."""
POLL_SHARED_MARKETING = 0.25
"""The same for marketing: a campaign does not mind, and the database is asked less often."""
POLL_PATIENT = 5.0
"""The same, wherever, for what nobody waits for: expired leases, a hold, stale messages, rows of
cancelled sends, what is old."""
RECONCILER_INTERVAL = 60.0
NO_RATES: Mapping[str, float] = MappingProxyType({})
NO_METRICS = NoopMetrics()


class Dispatcher:
    """Starts and stops the loops. It is ready once the leases of a dead process have been taken
    back."""

    def __init__(  # noqa: PLR0913  # everything that is wired, by name
        self,
        *,
        storage: Storage,
        clock: Clock,
        providers: Mapping[str, Provider],
        start_due: StartDue,
        resolve_batch: ResolveBatch,
        unsubscribe_link: Callable[[LinkedContact], str],
        random: Random,
        directory: Path,
        rates: Mapping[str, float] = NO_RATES,
        bytes_per_second: float = 0.0,
        retention_days: int = 0,
        metrics: DispatchMetrics = NO_METRICS,
        has_room: Callable[[], bool] = always,
    ) -> None:
        """`directory` is where the dispatcher keeps its generation. `rates` are calls a second, by
        channel, of all replicas together. `bytes_per_second` is what may go out for a brand whose
        policy does not say otherwise; 0: no limit. `retention_days` is how long messages are kept;
        0: for ever. While there is no room, nothing is claimed, started or resolved; what was
        claimed goes out, and its results are written."""
        renderer = self._renderer = Renderer(
            storage, unsubscribe_link, ByteBudget(bytes_per_second)
        )
        self._storage = storage
        self._clock = clock
        self.guard = RestoreGuard(storage, clock, directory, metrics)
        self._recovery = LeaseRecoverer(storage, clock, key_windows_of(providers.values()), metrics)
        self._channels = [
            ProviderWorkers(
                channel=channel,
                provider=provider,
                rate=rates.get(channel, 0.0),
                storage=storage,
                clock=clock,
                renderer=renderer,
                guard=self.guard,
                random=random,
                metrics=metrics,
                has_room=has_room,
            )
            for channel, provider in providers.items()
        ]
        self._prompt: list[Loop] = [
            WhileRoom(CampaignStarter(storage, clock, start_due), clock, has_room),
            WhileRoom(AudienceResolver(storage, clock, resolve_batch), clock, has_room),
            InboxWorker(storage, clock, renderer, metrics, has_room),
            *(channel.transactional for channel in self._channels),
        ]
        self._patient: list[Loop] = [
            self._recovery,
            self.guard,
            Expirer(storage, clock, metrics),
            CancellationSweeper(storage, clock),
            Pruner(storage, clock, retention_days),
        ]
        self._reconciler = CounterReconciler(storage, metrics)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = False

    async def start(self) -> None:
        """Makes sure that the database is not from the past, takes back dead leases, then starts
        every loop."""
        await self.guard.start()
        await self._recovery.run_once()
        for channel in self._channels:
            await channel.start()
        for loop in self._patient:
            self._run(loop, lambda: POLL_PATIENT)
        self._run(self._reconciler, lambda: RECONCILER_INTERVAL)
        for loop in self._prompt:
            self._run(loop, lambda: self._longest_sleep(POLL_SHARED))
        for channel in self._channels:
            self._run(channel.marketing, lambda: self._longest_sleep(POLL_SHARED_MARKETING))
        self.ready = True

    async def stop(self) -> None:
        """Stops claiming, gives back leased rows, finishes what is with a provider and writes what
        came of it."""
        self.ready = False
        self._stopping.set()
        self._storage.signals.fire([STOPPING])
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*(channel.stop() for channel in self._channels))
        self._renderer.close()
        self.guard.close()

    def _longest_sleep(self, unheard: float) -> float:
        if self._storage.exclusive:
            return POLL_EXCLUSIVE
        return POLL_HEARD if self._storage.signals.shared else unheard

    def _run(self, loop: Loop, poll_interval: Callable[[], float]) -> None:
        self._tasks.append(
            asyncio.create_task(
                run_loop(loop, self._storage.signals, self._clock, poll_interval, self._stopping),
                name=loop.name,
            )
        )
