"""Watching sends until they have ended: one look at all that are watched, for all who watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from server.commands.sends.queries import get_send
from server.domain.access import Caller
from server.domain.clock import Clock
from storage.contract.signals import PROGRESS, wait_for_signal
from storage.contract.storage import Storage
from storage.model.sends import Send

POLL_INTERVAL = 1.0
"""Seconds between looks that no signal causes: a send may be delivered by another process."""


class _Watcher:
    """Who watches one send, and what they have not yet been told."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.send: Send | None = None
        self.error: Exception | None = None


class SendWatch:
    """Looks at the sends that somebody watches, in one read whoever and however many they are."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._watchers: dict[str, set[_Watcher]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def watch(self, caller: Caller, send_id: str) -> AsyncGenerator[Send, None]:
        """The send as it is now and whenever it may have changed, last once it has ended or the
        caller's token is no longer good. Raises NotFound."""
        send = await self._storage.read(lambda tx: get_send(tx, caller, send_id))
        yield send
        if send.completed_at is None:
            async with aclosing(self._changes(caller, send_id)) as changes:
                async for send in changes:
                    yield send

    async def _changes(self, caller: Caller, send_id: str) -> AsyncGenerator[Send, None]:
        watcher, until = _Watcher(), caller.principal.expires_at
        self._begin(send_id, watcher)
        try:
            while until is None or self._clock.now() < until:
                # A token ends without a signal.
                await wait_for_signal(watcher.news, POLL_INTERVAL)
                watcher.news.clear()
                if watcher.error is not None:
                    raise watcher.error
                if watcher.send is not None:
                    send, watcher.send = watcher.send, None
                    yield send
                    if send.completed_at is not None:
                        return
        finally:
            self._end(send_id, watcher)

    def _begin(self, send_id: str, watcher: _Watcher) -> None:
        self._watchers.setdefault(send_id, set()).add(watcher)
        # Something may have changed since it was read for this one.
        self._wake.set()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(), name="send-watch")

    def _end(self, send_id: str, watcher: _Watcher) -> None:
        watchers = self._watchers[send_id]
        watchers.discard(watcher)
        if not watchers:
            del self._watchers[send_id]
        if not self._watchers and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look_on(self) -> None:
        """Looks until it is cancelled, or a look fails: then all who watch are told."""
        try:
            with self._storage.signals.subscribe(PROGRESS, self._wake):
                while True:
                    self._wake.clear()
                    await self._look()
                    await wait_for_signal(self._wake, POLL_INTERVAL)
        except Exception as error:  # noqa: BLE001 - it belongs to those who watch
            self._looking = None
            for watcher in [each for those in self._watchers.values() for each in those]:
                watcher.error = error
                watcher.news.set()

    async def _look(self) -> None:
        wanted = list(self._watchers)
        found = await self._storage.read(lambda tx: tx.sends.find_many(wanted))
        for send_id, send in found.items():
            for watcher in self._watchers.get(send_id, ()):
                watcher.send = send
                watcher.news.set()
