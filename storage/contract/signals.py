"""Wake-ups inside one process, and where storage shares them of the others on its database. They
save waiting and promise nothing: whoever waits also looks by itself from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

CAMPAIGNS = "campaigns"
"""A campaign was scheduled, moved or taken back."""
AUDIENCES = "audiences"
"""A send has an audience to resolve."""
CANCELLATIONS = "cancellations"
"""A send was cancelled and has rows left that follow it."""
PROGRESS = "progress"
"""Counters or status of some send changed."""


SOON = timedelta(seconds=30)
"""What comes due later than this need not signal: whoever waits looks by itself more often."""


def messages(channel: str) -> str:
    """Topic of pending messages on a channel: some were added or became due earlier."""
    return f"messages.{channel}"


def outcome(message_id: str) -> str:
    """Topic of one message of no send: what is known of it has changed."""
    return f"outcome.{message_id}"


def inbox(brand_id: str, person_id: str) -> str:
    """Topic of a person's inbox: items were put there, read or archived."""
    return f"inbox.{brand_id}.{person_id}"


class Signals:
    """Topics to wait on. All calls come from the event loop."""

    def __init__(self) -> None:
        self._events: dict[str, set[asyncio.Event]] = {}
        self.shared = False
        """Whether what other processes fire is heard here too, at the moment."""

    @contextmanager
    def subscribe(self, topic: str, event: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
        """An event (the given one, or a new one) that is set at every firing of `topic`; the
        subscriber clears it before it looks."""
        event = asyncio.Event() if event is None else event
        self._events.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            # There is one for each inbox and message: one that nobody waits on is not remembered.
            subscribed = self._events.setdefault(topic, set())
            subscribed.discard(event)
            if not subscribed:
                del self._events[topic]

    def share(self, *, shared: bool) -> None:
        """Others are heard from now on, or no more. Wakes everybody: some may have been missed, and
        who waits may wait by it."""
        if shared != self.shared:
            self.shared = shared
            self.fire(list(self._events))

    def fire(self, topics: Iterable[str]) -> None:
        """Wakes the subscribers of each topic."""
        for topic in topics:
            for event in self._events.get(topic, ()):
                event.set()


async def wait_for_signal(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after so many seconds: time to look anyway."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
