"""Decides when a message whose call did not end with an acceptance is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from types import MappingProxyType


class ErrorClass(StrEnum):
    """Why a call did not end with an acceptance, where trying again makes sense. What is refused
    for good has none."""

    UNREACHABLE = "unreachable"
    """The provider could not be reached or spoken to: DNS, connect, TLS, login. It says nothing
    about the message."""
    THROTTLED = "throttled"
    """The provider takes no more for now: HTTP 429, SMTP 421, an enhanced status 4.7.x (RFC 3463),
    or anything with a Retry-After."""
    DEFERRED = "deferred"
    """The provider refused this message for now: SMTP 4xx (RFC 5321 section 4.2.1), greylisting, a
    full mailbox."""
    AMBIGUOUS = "ambiguous"
    """The message may have been taken. Tried again only under the same idempotency key, with a
    provider that still remembers it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patiently a class of errors is tried again."""

    first_delay: timedelta
    """Before the second attempt, at most."""
    longest_delay: timedelta
    """Between attempts at most, unless the provider itself asks for more."""
    max_attempts: int
    """Provider calls for the message, whatever each of them ended with, before it is given up."""


RETRY_POLICIES: Mapping[ErrorClass, RetryPolicy] = MappingProxyType(
    {
        # Restarts and failovers take seconds, so the first tries come soon; each costs the provider
        # nothing but a connection. A quarter of an hour at most, so that an evening's outage is not
        # answered the next morning. 93 to 186 minutes of trying in all; longer outages cost no
        # attempts, because the circuit breaker stops calls before they are counted.
        ErrorClass.UNREACHABLE: RetryPolicy(timedelta(seconds=5), timedelta(minutes=15), 20),
        # Rate windows are seconds to minutes long, quotas last up to a day: begins above the
        # shortest, and asks twice an hour at the end, since each early question counts against the
        # limit. 3.1 to 6.2 hours in all.
        ErrorClass.THROTTLED: RetryPolicy(timedelta(seconds=10), timedelta(minutes=30), 20),
        # Greylisting lets a sender in after 1 to 15 minutes; RFC 5321 section 4.5.4.1 asks for 30
        # minutes between later tries, and for days of them. We hand over to a relay that has those
        # days; what it defers itself, a working day outlasts: 5.0 to 10 hours in all.
        ErrorClass.DEFERRED: RetryPolicy(timedelta(minutes=1), timedelta(hours=1), 16),
        # The key is remembered for a limited time, often a day, and whoever asks wants to know:
        # sooner and for less long than the others. 40 to 81 minutes in all. What is still in doubt
        # then stays so, and is listed.
        ErrorClass.AMBIGUOUS: RetryPolicy(timedelta(seconds=5), timedelta(minutes=10), 15),
    }
)
"""The one place where the figures stand. "In all" is the time from the first attempt to the last,
the lower figure with all jitter taken off."""

LONGEST_RETRY_AFTER = timedelta(hours=24)
"""The most that a provider's own Retry-After can hold a message back: daily quotas are the longest
there are, and a mistyped header must not park a message for a year."""

_MOST_DOUBLINGS = 20


def may_try_again(error: ErrorClass, attempts_made: int) -> bool:
    """Whether a message after so many provider calls, the last of which ended with `error`, has one
    left."""
    return attempts_made < RETRY_POLICIES[error].max_attempts


def delay_before_next(
    error: ErrorClass, attempts_made: int, random: Random, retry_after: float | None = None
) -> timedelta:
    """Exponential backoff with jitter: doubles from the class's first delay up to its longest, then
    up to half of it taken off at random.

    Jitter keeps messages that failed together from coming back together. A provider's own
    `retry_after` (seconds, LONGEST_RETRY_AFTER at most) is a lower bound.
    """
    policy = RETRY_POLICIES[error]
    ceiling = min(
        policy.longest_delay, policy.first_delay * (1 << min(attempts_made - 1, _MOST_DOUBLINGS))
    )
    return max(ceiling * (1 - random.random() / 2), bounded_retry_after(retry_after))


def bounded_retry_after(retry_after: float | None) -> timedelta:
    """What a provider asked for, in seconds, within 0 and LONGEST_RETRY_AFTER; 0 if it did not ask,
    or for nothing that is a number."""
    longest = LONGEST_RETRY_AFTER.total_seconds()
    return (
        timedelta(seconds=min(retry_after, longest))
        if retry_after is not None and retry_after > 0
        else timedelta(0)
    )
