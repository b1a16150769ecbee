"""The two lanes of a channel, as one loop that tests run pass by pass."""

from __future__ import annotations

from datetime import datetime

from server.dispatch.delivery.provider_workers import ProviderWorkers


class Lanes:
    """One-offs first, then sends."""

    def __init__(self, of_channel: ProviderWorkers) -> None:
        self.of_channel = of_channel
        self.calls = of_channel.calls
        self.one_offs, self.sends = of_channel.one_offs, of_channel.sends
        self.name = f"{self.one_offs.name}, {self.sends.name}"
        self.topics = self.one_offs.topics

    async def run_once(self) -> bool:
        """A pass of each."""
        first = await self.one_offs.run_once()
        return await self.sends.run_once() or first

    async def next_due(self) -> datetime | None:
        """When either goes on."""
        due = [await self.one_offs.next_due(), await self.sends.next_due()]
        return min((each for each in due if each is not None), default=None)

    async def drain(self) -> None:
        """Waits for the calls in progress."""
        await self.calls.drain()

    async def stop(self) -> None:
        """Ends both."""
        await self.of_channel.stop()
