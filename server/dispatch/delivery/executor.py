"""The calls of one channel's provider: marked, made, and settled.

Rows are marked `sending` in one commit, and only then is the provider called. A slot is held until
the result is durable, so after a crash at most `slots` rows are in doubt. Most of the cost of a
call is that of the two commits, so what begins or ends at about the same time shares them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from server.channels.provider import Delivery, Envelope, Outcome, Provider
from server.dispatch.delivery.claimer import Claimed
from server.dispatch.delivery.reserve import Kind
from server.dispatch.delivery.outcomes import ProviderCall, after_call, release
from server.dispatch.delivery.restore_guard import DeliveryHeld, RestoreGuard
from server.dispatch.delivery.settler import Settler
from server.dispatch.delivery.concurrency import Slots
from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock
from server.domain.delivery import circuit_breaker
from server.domain.delivery.circuit_breaker import Circuit, CircuitBreaker
from server.domain.delivery.timing import LEASE, START_WINDOW
from storage.contract.errors import StorageError
from storage.model.deliveries import Mark, Settlement
from storage.model.messages import MessageStatus

MARGIN = timedelta(seconds=5)
"""Between the end of the longest provider call and the end of its lease: time to write the
result."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A claimed message, and what of it goes to the provider."""

    claimed: Claimed
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class _Start:
    """The moment before a mark."""

    at: datetime
    steady: float
    """The same by a clock that nobody sets."""


class DeliveryExecutor:
    """Calls the provider of one channel, for the lanes that share it."""

    def __init__(
        self,
        *,
        channel: str,
        provider: Provider,
        settler: Settler,
        guard: RestoreGuard,
        clock: Clock,
        random: Random,
        observer: DispatchMetrics,
        freed: Callable[[Kind], None],
        steady: Callable[[], float],
    ) -> None:
        """`freed` is called with a kind for which there was no room, when calls have ended and
        there is some, or a circuit may have closed."""
        if timedelta(seconds=provider.timeout) + START_WINDOW + MARGIN > LEASE:
            raise ValueError(
                f"provider {provider.name} may take {provider.timeout} s, too long for a lease of "
                f"{LEASE}"
            )
        self._channel = channel
        self._provider = provider
        self._settler = settler
        self._guard = guard
        self._clock = clock
        self._random = random
        self._observer = observer
        self._freed = freed
        self._steady = steady
        self._breaker = CircuitBreaker(random)
        self._seems_open = False
        self._slots = Slots(provider.slots)
        self._refused: set[Kind] = set()
        """Kinds that were told that there is no room, and not yet that there is."""
        self._running: set[asyncio.Task[None]] = set()
        self._unanswered = 0
        """Those of them whose provider has not answered."""

    async def start(self) -> None:
        """Makes the provider ready."""
        await self._provider.start()

    async def drain(self) -> None:
        """Waits until the calls in progress have ended and their results are durable."""
        while self._running:
            await asyncio.wait(self._running)

    async def stop(self) -> None:
        """Lets the calls in progress end, closes the provider."""
        await self.drain()
        await self._provider.close()

    def room(self, kind: Kind) -> int:
        """How many calls of a kind to begin now. When there was none, `freed` says that calls have
        ended; see also `next_room`."""
        room = self.allows(self._slots.room(kind, self._steady()))
        if room:
            self._refused.discard(kind)
        else:
            self._refused.add(kind)
        return room

    def next_room(self, kind: Kind) -> datetime | None:
        """When the slots that are free are worth taking though no call ends; None: none is."""
        if not self._slots.free(kind):
            return None
        return self._clock.now() + timedelta(
            seconds=self._slots.seconds_until_room(kind, self._steady())
        )

    def allows(self, rows: int) -> int:
        """How many of so many rows the provider is well enough for."""
        now = self._clock.now()
        self._tell_circuit(now)
        return self._breaker.allows(rows, now)

    def next_change(self) -> datetime | None:
        """When the provider, not allowed anything now, is tried again; None: when a call in
        progress has ended."""
        return self._breaker.next_change(self._clock.now())

    def reserve(self, kind: Kind, count: int) -> None:
        """Takes slots for rows that are being made ready."""
        self._slots.take(kind, count, self._steady())

    def unreserve(self, kind: Kind, count: int) -> None:
        """Gives back slots that were reserved and are not used by calls."""
        self._slots.give_back(kind, count)
        if count:
            self._tell_refused()

    async def begin(self, kind: Kind, ready: Sequence[Ready]) -> int:
        """Marks rows, and starts the calls of those that are marked; the others are given back.
        Returns how many calls hold a slot now.

        Raises StorageError or OSError, having given back everything, if it cannot be known that the
        marks are durable.
        """
        start = _Start(self._clock.now(), self._steady())
        going = ready[: self._breaker.allows(len(ready), start.at)]
        # Before anything is awaited, so that the other lane sees the probe of a half-open circuit.
        breaker_calls = {each.claimed.message.id: self._breaker.begun(start.at) for each in going}
        marked: set[str] = set()
        try:
            marked = await self._mark(going, start.at)
        finally:
            for each in going:
                if each.claimed.message.id not in marked:
                    self._breaker.withdrawn(breaker_calls[each.claimed.message.id])
        for each in going:
            if each.claimed.message.id in marked:
                self._run(kind, self._call(each, start, breaker_calls[each.claimed.message.id]))
        refused = [
            release(each.claimed.message) for each in ready if each.claimed.message.id not in marked
        ]
        if refused:
            await self._settler.settle(refused)
        return len(marked)

    async def _mark(self, ready: Sequence[Ready], now: datetime) -> set[str]:
        messages = [each.claimed.message for each in ready]
        marks = [Mark(message.id, message.lease) for message in messages]
        if not marks:
            return set()
        try:
            return await self._guard.write(
                lambda tx: tx.messages.mark_sending(marks, self._provider.name, now, now + LEASE)
            )
        except DeliveryHeld:
            return set()
        except (StorageError, OSError):
            # Whether they are marked may not be known, but none of them was called, so none is in
            # doubt.
            held_as = (MessageStatus.LEASED, MessageStatus.SENDING)
            await self._settler.settle(
                [release(message, expected) for message in messages for expected in held_as]
            )
            raise

    def _run(self, kind: Kind, call: Coroutine[None, None, None]) -> None:
        self._unanswered += 1
        task = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(lambda task: self._end(kind, task))

    def _end(self, kind: Kind, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.give_back(kind, 1)
        self._tell_refused()

    def _tell_refused(self) -> None:
        now = self._steady()
        for kind in [kind for kind in self._refused if self._slots.room(kind, now)]:
            self._refused.discard(kind)
            self._freed(kind)

    async def _call(
        self, ready: Ready, start: _Start, breaker_call: circuit_breaker.Admission
    ) -> None:
        settlement = await self._result(ready, start, breaker_call)
        self._unanswered -= 1
        await self._settler.settle([settlement], more_soon=self._unanswered > 0)

    async def _result(
        self, ready: Ready, start: _Start, breaker_call: circuit_breaker.Admission
    ) -> Settlement:
        message = ready.claimed.message
        if self._is_too_late(start):
            # The process stood still. A cancel may have returned since, and another may hold the
            # row: it was not called, and will not be.
            _log.warning(
                "message %s was not sent, since %s have passed since its mark; it is given back",
                message.id,
                START_WINDOW,
            )
            self._breaker.withdrawn(breaker_call)
            return release(message, MessageStatus.SENDING)
        if message.send_id is None and not message.attempts:
            self._observer.late(
                self._channel, (self._clock.now() - message.scheduled_at).total_seconds()
            )
        delivery = await self._deliver(ready.envelope)
        now = self._clock.now()
        self._breaker.ended(breaker_call, delivery.error_class, delivery.retry_after, now)
        self._tell_circuit(now)
        self._observer.delivered(self._channel, delivery.outcome)
        call = ProviderCall(self._provider.name, self._provider.key_window, start.at, now, delivery)
        return after_call(message, ready.claimed.policy, call, self._random)

    def _is_too_late(self, start: _Start) -> bool:
        """By either clock: one may have been set back, and the other may stand still while the
        machine sleeps."""
        elapsed = max(
            self._clock.now() - start.at, timedelta(seconds=self._steady() - start.steady)
        )
        return elapsed > START_WINDOW

    async def _deliver(self, envelope: Envelope) -> Delivery:
        """The provider's outcome. One that does not answer in time, or breaks its promise not to
        raise, leaves the outcome in doubt."""
        try:
            async with asyncio.timeout(self._provider.timeout):
                return await self._provider.deliver(envelope)
        except TimeoutError:
            return Delivery(Outcome.AMBIGUOUS, "provider_timeout")
        except Exception:  # noqa: BLE001 - one fault must not end the loop
            _log.exception(
                "provider %s failed on message %s", self._provider.name, envelope.message_id
            )
            return Delivery(Outcome.AMBIGUOUS, "provider_fault")

    def _tell_circuit(self, now: datetime) -> None:
        is_open = self._breaker.circuit(now) is not Circuit.CLOSED
        if is_open != self._seems_open:
            self._seems_open = is_open
            _log.warning(
                "the provider of %s %s",
                self._channel,
                "is left alone for a while" if is_open else "works again",
            )
            self._observer.breaker_open(self._channel, is_open)
