"""Delivers the messages of one channel that has a provider: a worker for transactional messages,
one for marketing, and the executor they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from server.channels.provider import Provider
from server.dispatch.delivery.channel_worker import ChannelWorker
from server.dispatch.delivery.claimer import Claimer
from server.dispatch.delivery.executor import DeliveryExecutor
from server.dispatch.delivery.rate_limits import RateLimits, provider_limit
from server.dispatch.delivery.renderer import Renderer
from server.dispatch.delivery.restore_guard import RestoreGuard
from server.dispatch.delivery.settler import Settler
from server.dispatch.loop import always
from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock, steady_seconds
from storage.contract.signals import messages as messages_topic
from storage.contract.storage import Storage
from storage.model.messages import Purpose


class ProviderWorkers:
    """Everything about one channel, so that a provider that is slow, stuck or failing holds up
    nothing else."""

    def __init__(  # noqa: PLR0913  # everything that is wired, by name
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
        metrics: DispatchMetrics,
        has_room: Callable[[], bool] = always,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        """`rate` is how many calls a second the provider takes from all replicas together; 0: no
        limit."""
        room = {purpose: f"{channel}-{purpose}.room" for purpose in Purpose}
        settler = Settler(storage, clock)
        self.executor = DeliveryExecutor(
            channel=channel,
            provider=provider,
            settler=settler,
            guard=guard,
            clock=clock,
            random=random,
            metrics=metrics,
            steady=steady,
            on_room=lambda purpose: storage.signals.fire([room[purpose]]),
        )
        limit = provider_limit(provider.name, channel, rate)
        self.transactional, self.marketing = (
            ChannelWorker(
                channel=channel,
                purpose=purpose,
                claimer=Claimer(
                    channel,
                    purpose,
                    storage,
                    RateLimits(channel, purpose, limit),
                    renderer.bytes_out,
                    provider.key_window,
                    has_room,
                ),
                executor=self.executor,
                renderer=renderer,
                settler=settler,
                clock=clock,
                topics=(messages_topic(channel), room[purpose]),
            )
            for purpose in Purpose
        )

    async def start(self) -> None:
        """Makes the provider ready."""
        await self.executor.start()

    async def stop(self) -> None:
        """Gives back what was claimed, lets the calls in progress end, closes the provider. The
        loops no longer run."""
        await asyncio.gather(self.transactional.stop(), self.marketing.stop())
        await self.executor.stop()
