"""Keeps the hosts that subscriptions name from taking the calls in progress from each other."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import SystemRandom
from urllib.parse import urlsplit

from server.domain.delivery.circuit_breaker import CircuitBreaker
from server.domain.delivery.retry import ErrorClass

_MOST_HOSTS = 1024
"""Hosts that are remembered. There are a few push services; the rest are names that somebody has
made up."""


class Host:
    """What is known of a host."""

    def __init__(self, circuit: CircuitBreaker) -> None:
        self.circuit = circuit
        """Opened by silence, closed by any answer: what it says is about one subscription."""
        self.answers = False
        """Whether it answered when it was last called."""
        self.in_progress = 0

    def heard(self, *, silent: bool) -> ErrorClass | None:
        """How a call has ended, as its circuit is told."""
        self.answers = not silent
        return ErrorClass.UNREACHABLE if silent else None


class Hosts:
    """The calls in progress, shared out: three quarters of them at most to one host, and one
    quarter to all those together that have not answered, so that names made up by the hundred hold
    up nobody. A push service that is well answers while the next call waits for its place."""

    def __init__(self, most: int, patience: float) -> None:
        """`most` calls in all; whoever finds no place waits for so many seconds."""
        self._most_of_one = most * 3 // 4
        self._most_of_silent = most // 4
        self._patience = patience
        self._silent = 0
        """Calls in progress to hosts that had not answered when they began."""
        self._freed = asyncio.Event()
        self._random = SystemRandom()
        self._known: OrderedDict[str, Host] = OrderedDict()

    def of(self, endpoint: str) -> Host:
        """The host and port of an endpoint."""
        name = urlsplit(endpoint).netloc.lower()
        host = self._known.setdefault(name, Host(CircuitBreaker(self._random)))
        self._known.move_to_end(name)
        if len(self._known) > _MOST_HOSTS:
            self._known.popitem(last=False)
        return host

    @asynccontextmanager
    async def place(self, host: Host) -> AsyncIterator[bool]:
        """A place for a call; whether there was one in time."""
        if not await self._wait_for_place(host):
            yield False
            return
        silent = not host.answers
        host.in_progress += 1
        self._silent += silent
        try:
            yield True
        finally:
            host.in_progress -= 1
            self._silent -= silent
            self._freed.set()

    async def _wait_for_place(self, host: Host) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                while not self._has_place(host):
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            return False
        return True

    def _has_place(self, host: Host) -> bool:
        if host.in_progress >= self._most_of_one:
            return False
        return host.answers or self._silent < self._most_of_silent
