"""A provider that does as a test says: what comes of each address, and when."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

from server.channels.provider import Delivery, Envelope, Outcome
from server.dispatch.delivery.reserve import marketing_share
from server.domain.delivery.retry import ErrorClass

ACCEPTED = Delivery(Outcome.ACCEPTED, provider_message_id="theirs")
AMBIGUOUS = Delivery(Outcome.AMBIGUOUS, "connection_lost")
REFUSED = Delivery(Outcome.REJECTED, "no_such_mailbox")
BUSY = Delivery(Outcome.REJECTED, "busy", ErrorClass.DEFERRED)


class ScriptedProvider:
    """Accepts everything at once, unless told otherwise."""

    name = "scripted"

    def __init__(
        self, max_concurrency: int = 4, timeout: float = 20.0, key_window: timedelta = timedelta(0)
    ) -> None:
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.key_window = key_window
        self.calls: list[Envelope] = []
        self.now = 0
        """Calls being worked on."""
        self.most = 0
        """Most calls worked on at once."""
        self.running = False
        self.witness: Callable[[Envelope], Awaitable[None]] | None = None
        """Awaited at the start of every call."""
        self._script: defaultdict[str, deque[Delivery | Exception]] = defaultdict(deque)
        self._open = asyncio.Event()
        self._open.set()
        self._called = asyncio.Condition()

    @property
    def marketing_concurrency(self) -> int:
        return marketing_share(self.max_concurrency)

    def will(self, address: str, *outcomes: Delivery | Exception) -> None:
        """The outcomes of the next calls for an address; it accepts after them."""
        self._script[address].extend(outcomes)

    def hold(self) -> None:
        """Calls from now on end only after `let_go`."""
        self._open.clear()

    def let_go(self) -> None:
        """Lets the held calls end."""
        self._open.set()

    async def called(self, times: int) -> None:
        """Returns once it has been called so many times in all."""
        async with self._called:
            await self._called.wait_for(lambda: len(self.calls) >= times)

    def addresses(self) -> list[str]:
        """Whom it was called for, in order."""
        return [envelope.address for envelope in self.calls]

    async def start(self) -> None:
        self.running = True

    async def close(self) -> None:
        assert not self.now, "closed during a call"
        self.running = False

    async def deliver(self, envelope: Envelope) -> Delivery:
        self.calls.append(envelope)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            async with self._called:
                self._called.notify_all()
            if self.witness is not None:
                await self.witness(envelope)
            await self._open.wait()
        finally:
            self.now -= 1
        script = self._script[envelope.address]
        outcome = script.popleft() if script else ACCEPTED
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
