"""Calls one channel's provider: marks rows, calls, and settles what came of it.

Rows are marked `sending` in one commit, and only then is the provider called, for as many at once
as it works on. A message counts as in progress until its result is durable, so after a crash at
most `max_concurrency` rows are in doubt, and up to `MOST_AHEAD` times as many with a provider that
is quicker than the commits. Most of the cost of a call is that of the two commits, so what begins
or ends at about the same time shares them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from random import Random

from server.channels.provider import Delivery, Envelope, Outcome, Provider
from server.dispatch.delivery.call_slots import CallSlots
from server.dispatch.delivery.concurrency import ConcurrencyLimit
from server.dispatch.delivery.in_flight import InFlight
from server.dispatch.delivery.outcomes import after_call, release
from server.dispatch.delivery.restore_guard import DeliveryHeld, RestoreGuard
from server.dispatch.delivery.settler import Settler
from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock
from server.domain.delivery.circuit_breaker import Circuit, CircuitBreaker
from server.domain.delivery.timing import LEASE, START_WINDOW
from storage.contract.errors import StorageError
from storage.model.deliveries import Settlement
from storage.model.messages import Message, MessageStatus, Purpose

MARGIN = timedelta(seconds=5)
"""Between the end of the longest provider call and the end of its lease: time to write the
result."""

_log = logging.getLogger(__name__)


class DeliveryExecutor:
    """Calls the provider of one channel, for the workers that share it."""

    def __init__(
        self,
        *,
        channel: str,
        provider: Provider,
        settler: Settler,
        guard: RestoreGuard,
        clock: Clock,
        random: Random,
        metrics: DispatchMetrics,
        on_room: Callable[[Purpose], None],
        steady: Callable[[], float],
    ) -> None:
        """`on_room` is called with a purpose for which there was no room, when calls have ended and
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
        self._metrics = metrics
        self._on_room = on_room
        self._steady = steady
        self._breaker = CircuitBreaker(random)
        self._seems_open = False
        self._concurrency = ConcurrencyLimit(provider.max_concurrency)
        self._slots = CallSlots(provider.max_concurrency)
        self._waiting: set[Purpose] = set()
        """Purposes that found no room, and were not yet told that there is some."""
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

    def room(self, purpose: Purpose) -> int:
        """How many calls for a purpose to begin now. When there was no room, `on_room` says that
        calls have ended; see also `next_room`."""
        room = self.allows(self._concurrency.room(purpose, self._steady()))
        if room:
            self._waiting.discard(purpose)
        else:
            self._waiting.add(purpose)
        return room

    def next_room(self, purpose: Purpose) -> datetime | None:
        """When the calls that may begin are worth a mark though none ends; None: none may."""
        if not self._concurrency.available(purpose):
            return None
        return self._clock.now() + timedelta(
            seconds=self._concurrency.seconds_until_room(purpose, self._steady())
        )

    def allows(self, rows: int) -> int:
        """How many of so many rows the provider is well enough for."""
        now = self._clock.now()
        self._report_circuit(now)
        return self._breaker.allows(rows, now)

    def next_change(self) -> datetime | None:
        """When the provider, not allowed anything now, is tried again; None: when a call in
        progress has ended."""
        return self._breaker.next_change(self._clock.now())

    def reserve(self, purpose: Purpose, count: int) -> None:
        """Counts rows that are being rendered as calls in progress."""
        self._concurrency.acquire(purpose, count, self._steady())

    def unreserve(self, purpose: Purpose, count: int) -> None:
        """Takes back what was reserved for rows that are not called."""
        self._concurrency.release(purpose, count)
        if count:
            self._notify_waiting()

    async def begin(self, purpose: Purpose, batch: Sequence[InFlight]) -> int:
        """Marks rendered messages, and starts the calls of those that are marked; the others are
        given back. Returns how many calls it began.

        Raises StorageError or OSError, having given back everything, if it cannot be known that the
        marks are durable.
        """
        now, steady = self._clock.now(), self._steady()
        going = batch[: self._breaker.allows(len(batch), now)]
        for each in going:
            each.started_at, each.started_steady = now, steady
            # Before anything is awaited, so that the other worker sees the probe of a half-open
            # circuit.
            each.admission = self._breaker.begun(now)
        marked: set[str] = set()
        try:
            marked = await self._mark([each.message for each in going], now)
        finally:
            for each in going:
                if each.message.id not in marked:
                    self._breaker.withdrawn(each.admission)
        for each in going:
            if each.message.id in marked:
                self._run(purpose, self._call(purpose, each))
        unmarked = [release(each.message) for each in batch if each.message.id not in marked]
        if unmarked:
            await self._settler.settle(unmarked)
        return len(marked)

    async def _mark(self, messages: Sequence[Message], now: datetime) -> set[str]:
        if not messages:
            return set()
        try:
            return await self._guard.write(
                lambda tx: tx.messages.mark_sending(messages, self._provider.name, now, now + LEASE)
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

    def _run(self, purpose: Purpose, call: Coroutine[None, None, None]) -> None:
        self._unanswered += 1
        task = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(lambda task: self._end(purpose, task))

    def _end(self, purpose: Purpose, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._concurrency.release(purpose, 1)
        self._notify_waiting()

    def _notify_waiting(self) -> None:
        now = self._steady()
        for purpose in [each for each in self._waiting if self._concurrency.room(each, now)]:
            self._waiting.discard(purpose)
            self._on_room(purpose)

    async def _call(self, purpose: Purpose, each: InFlight) -> None:
        marked = self._steady()
        if not await self._slots.take(purpose, START_WINDOW):
            # The provider is not as quick any more as it was when so many were marked.
            self._concurrency.start_over()
            await self._settle(self._without_call(each))
            return
        began = self._steady()
        try:
            settlement = await self._result(each)
        finally:
            self._slots.give_back(purpose)
        ended = self._steady()
        await self._settle(settlement)
        if settlement.status is MessageStatus.SENT:
            beside = (marked - each.started_steady) + (self._steady() - ended)
            self._concurrency.learn(ended - began, beside)

    async def _settle(self, settlement: Settlement) -> None:
        self._unanswered -= 1
        await self._settler.settle([settlement], more_soon=self._unanswered > 0)

    async def _result(self, each: InFlight) -> Settlement:
        message = each.message
        if self._is_too_late(each):
            # The process stood still. A cancel may have returned since, and another may hold the
            # row: it was not called, and will not be.
            _log.warning(
                "message %s was not sent, since %s have passed since its mark; it is given back",
                message.id,
                START_WINDOW,
            )
            return self._without_call(each)
        if self._breaker.has_stopped(self._clock.now()):
            return self._without_call(each)
        is_one_off = message.send_id is None and message.enrollment_id is None
        if is_one_off and not message.attempts:
            self._metrics.late(
                self._channel, (self._clock.now() - message.scheduled_at).total_seconds()
            )
        delivery = await self._deliver(each.envelope)
        now = self._clock.now()
        if delivery.speaks_for_provider:
            self._breaker.ended(each.admission, delivery.error_class, delivery.retry_after, now)
        else:
            self._breaker.withdrawn(each.admission)
        self._report_circuit(now)
        self._metrics.delivered(self._channel, delivery.outcome)
        return after_call(each, self._provider, delivery, now, self._random)

    def _without_call(self, each: InFlight) -> Settlement:
        """Gives a marked message back: nobody was called for it."""
        self._breaker.withdrawn(each.admission)
        return release(each.message, MessageStatus.SENDING)

    def _is_too_late(self, each: InFlight) -> bool:
        """By either clock: one may have been set back, and the other may stand still while the
        machine sleeps."""
        elapsed = max(
            self._clock.now() - each.started_at,
            timedelta(seconds=self._steady() - each.started_steady),
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

    def _report_circuit(self, now: datetime) -> None:
        is_open = self._breaker.circuit(now) is not Circuit.CLOSED
        if is_open != self._seems_open:
            self._seems_open = is_open
            _log.warning(
                "the provider of %s %s",
                self._channel,
                "is left alone for a while" if is_open else "works again",
            )
            self._metrics.breaker_open(self._channel, is_open)
