"""Leaves a provider that is down alone for a while, so that its outage costs no message an attempt.

    closed -> open        several bad ends in a row
    open -> half-open     the cool-down is over: one call, the probe
    half-open -> closed   the probe ends well
    half-open -> open     it ends badly, and the cool-down doubles

Pure: the caller gives the instants, and chance. One breaker belongs to one provider in one process:
replicas find out for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from server.domain.delivery.retry import LONGEST_RETRY_AFTER, ErrorClass, bounded_retry_after

THRESHOLD = 5
"""Bad ends in a row that open the circuit. A broken connection, or a message that the provider
chokes on, is one of them; even a provider that fails every fifth call has five in a row only once
in some thousands."""
FIRST_COOL_DOWN = timedelta(seconds=5)
"""How long it is open at first: a restart takes about as long, and the messages that failed wait as
long themselves."""
LONGEST_COOL_DOWN = timedelta(minutes=5)
"""How long it is open at most. Each probe costs one message an attempt, and may leave it in doubt
where the provider knows no keys: 12 to 24 of them in an hour of outage, for 2.5 to 5 minutes of
delay at its end."""

_BAD = frozenset({ErrorClass.UNREACHABLE, ErrorClass.THROTTLED, ErrorClass.AMBIGUOUS})
"""Signs that the next message will fare no better. DEFERRED is about the message; so is a refusal
for good."""
_MOST_DOUBLINGS = 20
_NOT_COUNTED = -1


class Circuit(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"
    """Every call."""
    OPEN = "open"
    """None."""
    HALF_OPEN = "half_open"
    """One call at a time, which decides."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that has begun, for `ended`."""

    period: int


class CircuitBreaker:
    """Counts how calls end, and says whether the next may begin. Ask `allows` before messages are
    claimed and again before they are marked; say `begun` and `ended` (or `withdrawn`) of every
    call."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._bad_ends = 0
        """In a row, while closed."""
        self._openings = 0
        """In a row, none of whose probes ended well."""
        self._cool_down = timedelta(0)
        self._open_until: datetime | None = None
        """The end of the cool-down; None while closed."""
        self._held_until: datetime | None = None
        self._probing = False
        self._period = 0
        """Counts the changes of the circuit: how a call from before the last of them ends says
        nothing about the provider now."""

    def allows(self, free: int, now: datetime) -> int:
        """How many of `free` calls may begin now: all of them, one, or none."""
        if free <= 0 or self._is_held(now):
            return 0
        match self.circuit(now):
            case Circuit.CLOSED:
                return free
            case Circuit.OPEN:
                return 0
            case Circuit.HALF_OPEN:
                return 0 if self._probing else 1

    def next_change(self, now: datetime) -> datetime | None:
        """The instant at which `allows`, now 0 whatever is free, may allow again. None: it allows
        already, or when a probe has ended."""
        ends = [self._held_until] if self._held_until is not None and self._is_held(now) else []
        if self._open_until is not None and self.circuit(now) is Circuit.OPEN:
            ends.append(self._open_until)
        return max(ends, default=None)

    def circuit(self, now: datetime) -> Circuit:
        """What it is now, for `allows` and for metrics. A hold is not part of it."""
        if self._open_until is None:
            return Circuit.CLOSED
        # A clock that was set back must not make the cool-down longer than it is.
        self._open_until = min(self._open_until, now + self._cool_down)
        return Circuit.OPEN if now < self._open_until else Circuit.HALF_OPEN

    def has_stopped(self, now: datetime) -> bool:
        """Whether calls that were said to begin, and wait for their turn, are not to be made after
        all: the circuit has opened, or the provider wants quiet."""
        return self._is_held(now) or self.circuit(now) is Circuit.OPEN

    def hold(self, until: datetime) -> None:
        """No call before `until`, because the provider asked for that (a Retry-After that is about
        all messages). Bounded by LONGEST_RETRY_AFTER; a shorter hold than the one in force changes
        nothing."""
        self._held_until = until if self._held_until is None else max(self._held_until, until)

    def begun(self, now: datetime) -> Admission:
        """A call begins. In a half-open circuit it is the probe."""
        match self.circuit(now):
            case Circuit.CLOSED:
                return Admission(self._period)
            case Circuit.HALF_OPEN:
                self._probing = True
                return Admission(self._period)
            case Circuit.OPEN:
                # Let through before it opened.
                return Admission(_NOT_COUNTED)

    def withdrawn(self, call: Admission) -> None:
        """A call that was said to begin is not made after all, or how it ended says nothing."""
        if call.period == self._period:
            self._probing = False

    def ended(
        self, call: Admission, error: ErrorClass | None, retry_after: float | None, now: datetime
    ) -> None:
        """A call has ended: with an acceptance or a refusal for good (None), or an error. A
        `retry_after` (seconds) holds the provider, and a throttled call with one is no bad end: the
        provider works, and has said when."""
        asked = bounded_retry_after(retry_after)
        if asked:
            self.hold(now + asked)
        if call.period != self._period:
            return
        if error is ErrorClass.THROTTLED and asked:
            self._probing = False
        elif error in _BAD:
            self._ended_badly(now)
        else:
            self._ended_well()

    def _ended_badly(self, now: datetime) -> None:
        self._bad_ends += 1
        if self._open_until is not None or self._bad_ends >= THRESHOLD:
            self._open(now)

    def _ended_well(self) -> None:
        if self._open_until is not None:
            self._change()
        self._open_until = None
        self._bad_ends = self._openings = 0

    def _open(self, now: datetime) -> None:
        ceiling = min(
            LONGEST_COOL_DOWN, FIRST_COOL_DOWN * (1 << min(self._openings, _MOST_DOUBLINGS))
        )
        # Replicas that saw the same outage probe apart.
        self._cool_down = ceiling * (1 - self._random.random() / 2)
        self._open_until = now + self._cool_down
        self._openings += 1
        self._change()

    def _change(self) -> None:
        self._period += 1
        self._bad_ends = 0
        self._probing = False

    def _is_held(self, now: datetime) -> bool:
        if self._held_until is None:
            return False
        self._held_until = min(self._held_until, now + LONGEST_RETRY_AFTER)
        return now < self._held_until
