"""Judges a push service's answer: what it means for the message, and for the subscription."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from server.channels.provider import Delivery, Outcome
from server.channels.webhook.answer import parse_retry_after
from server.domain.delivery.retry import ErrorClass

_ENDED = frozenset({404, 410})
"""RFC 8030 section 7.3."""
_LATER = frozenset({401, 403, 425, 429})
"""Too many, or our key, clock or contact is not to its liking, which somebody will put right."""
_NOT_A_REFUSAL = frozenset({408, 409})
_LONGEST_ID = 256


def ends_subscription(status: int) -> bool:
    """Whether the browser takes no messages any more."""
    return status in _ENDED


def delivery_for(status: int, headers: Mapping[str, str], now: datetime) -> Delivery:
    """`headers` with names in lower case."""
    if 200 <= status <= 299:
        return Delivery(Outcome.ACCEPTED, provider_message_id=_id_in(headers))
    reason = f"http_{status}"
    if status in _LATER:
        retry_after = parse_retry_after(headers.get("retry-after"), now)
        return Delivery(Outcome.REJECTED, reason, ErrorClass.DEFERRED, retry_after=retry_after)
    if status in (307, 308) or (400 <= status <= 499 and status not in _NOT_A_REFUSAL):
        return Delivery(Outcome.REJECTED, reason)
    # As of any HTTP server: a box on the way may have made it up, after the message had got
    # through.
    return Delivery(Outcome.AMBIGUOUS, reason)


def _id_in(headers: Mapping[str, str]) -> str | None:
    """The push service's own id of the message: where it is kept (RFC 8030 section 5)."""
    found = headers.get("location", "")
    return found if 1 <= len(found) <= _LONGEST_ID and found.isprintable() else None
