"""Tells other processes on the database what is signalled here, and hears what is signalled there:
LISTEN and NOTIFY. Hints, which may be lost: whoever waits also looks by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from storage.contract.signals import Signals, wait_for_signal
from storage.sql.postgres.engine import make_engine

_CHANNEL = "carillon"
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"
_PROBE = "probe"
"""Told to oneself: whoever hears it hears the others."""
_LARGEST = 7900
"""Bytes of a notification; PostgreSQL takes less than 8,000."""
_GATHER_SECONDS = 0.02
"""After signals were told, how long the next are gathered: each time takes a transaction."""
_PROBE_SECONDS = 30.0
"""After so long without a signal it is tried whether the connection is still good."""
_AGAIN_SECONDS = 1.0
"""Before a connection that broke is made again."""


class Notices:
    """One connection of the process, made again whenever it breaks."""

    def __init__(self, url: str, signals: Signals) -> None:
        """Begins to listen."""
        self._engine = make_engine(url, pool_size=1)
        self._signals = signals
        self._untold: set[str] = set()
        self._wake = asyncio.Event()
        self._running = asyncio.create_task(self._run(), name="notices")

    def tell(self, topics: Iterable[str]) -> None:
        """Tells the others soon; nobody, while there is no connection."""
        if topics and self._signals.shared:
            self._untold.update(topics)
            self._wake.set()

    async def close(self) -> None:
        """Ends the connection."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self._engine.dispose()

    async def _run(self) -> None:
        while True:
            # Whatever breaks costs hints alone. That the database is away, its other users tell.
            with suppress(Exception):
                await self._exchange()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _exchange(self) -> None:
        """Hears and tells until the connection breaks."""
        async with self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                # What is told need not outlive a crash.
                await driver.execute("SET synchronous_commit = off")
                driver.add_termination_listener(lambda _: self._wake.set())
                await driver.add_listener(_CHANNEL, self._hear)
                # Behind a pooler that gives each transaction another connection nothing is heard.
                await driver.execute(_NOTIFY, _CHANNEL, [_PROBE])
                while True:
                    await wait_for_signal(self._wake, _PROBE_SECONDS)
                    self._wake.clear()
                    topics, self._untold = self._untold, set()
                    await driver.execute(_NOTIFY, _CHANNEL, [*_payloads(topics)])
                    await asyncio.sleep(_GATHER_SECONDS)
            finally:
                self._signals.share(shared=False)
                await connection.invalidate()

    def _hear(self, driver: Any, teller: int, _channel: str, payload: str) -> None:
        if teller != driver.get_server_pid():
            self._signals.fire(payload.split("\n"))
        elif payload == _PROBE:
            self._signals.share(shared=True)


def _payloads(topics: Iterable[str]) -> Iterator[str]:
    """Topics a line each, in as few notifications as can be."""
    payload = ""
    for topic in topics:
        if payload and len(f"{payload}\n{topic}".encode()) > _LARGEST:
            yield payload
            payload = ""
        payload = f"{payload}\n{topic}" if payload else topic
    if payload:
        yield payload
