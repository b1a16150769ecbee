"""The two workers of a channel, as one loop that tests run pass by pass."""

from __future__ import annotations

from datetime import datetime

from server.dispatch.delivery.provider_workers import ProviderWorkers


class ChannelWorkers:
    """Transactional messages first, then marketing."""

    def __init__(self, of_channel: ProviderWorkers) -> None:
        self.of_channel = of_channel
        self.executor = of_channel.executor
        self.transactional, self.marketing = of_channel.transactional, of_channel.marketing
        self.name = f"{self.transactional.name}, {self.marketing.name}"
        self.topics = self.transactional.topics

    async def run_once(self) -> bool:
        """A pass of each."""
        first = await self.transactional.run_once()
        return await self.marketing.run_once() or first

    async def next_due(self) -> datetime | None:
        """When either goes on."""
        due = [await self.transactional.next_due(), await self.marketing.next_due()]
        return min((each for each in due if each is not None), default=None)

    async def drain(self) -> None:
        """Waits for the calls in progress."""
        await self.executor.drain()

    async def stop(self) -> None:
        """Ends both."""
        await self.of_channel.stop()
