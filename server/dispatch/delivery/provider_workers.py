"""A channel with its provider: two lanes, of one-offs and of sends, and the calls they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from server.channels.provider import Provider
from server.dispatch.delivery.channel_worker import ChannelWorker
from server.dispatch.delivery.claimer import Claimer
from server.dispatch.delivery.executor import DeliveryExecutor
from server.dispatch.delivery.reserve import Kind
from server.dispatch.delivery.rate_limits import Limits, provider_limit
from server.dispatch.delivery.renderer import Renderer
from server.dispatch.delivery.restore_guard import RestoreGuard
from server.dispatch.delivery.settler import Settler
from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock, steady_seconds
from storage.contract.signals import messages as messages_topic
from storage.contract.storage import Storage


class ProviderWorkers:
    """Everything about one channel, so that a provider that is slow, stuck or failing holds up
    nothing else."""

    def __init__(
        self,
        *,
        channel: str,
        provider: Provider,
        rate: float,
        storage: Storage,
        clock: Clock,
        renderer: Renderer,
        guard: RestoreGuard,
        random: Random,
        observer: DispatchMetrics,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        """`rate` is how many calls a second the provider takes from all replicas together; 0: no
        limit."""
        freed = {
            kind: f"calls-{channel}-{kind.value}.freed" for kind in (Kind.ONE_OFFS, Kind.SENDS)
        }
        settler = Settler(storage, clock)
        self.calls = DeliveryExecutor(
            channel=channel,
            provider=provider,
            settler=settler,
            guard=guard,
            clock=clock,
            random=random,
            observer=observer,
            steady=steady,
            freed=lambda kind: storage.signals.fire([freed[kind]]),
        )
        limit = provider_limit(provider.name, channel, rate)
        self.one_offs, self.sends = (
            ChannelWorker(
                channel=channel,
                kind=kind,
                claimer=Claimer(
                    channel, kind, storage, Limits(channel, kind, limit), provider.key_window
                ),
                calls=self.calls,
                renderer=renderer,
                settler=settler,
                clock=clock,
                topics=(messages_topic(channel), freed[kind]),
            )
            for kind in (Kind.ONE_OFFS, Kind.SENDS)
        )

    async def start(self) -> None:
        """Makes the provider ready."""
        await self.calls.start()

    async def stop(self) -> None:
        """Gives back what was claimed, lets the calls in progress end, closes the provider. The
        loops no longer run."""
        await asyncio.gather(self.one_offs.stop(), self.sends.stop())
        await self.calls.stop()
