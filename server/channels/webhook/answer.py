"""Judges an HTTP gateway's answer: what it means for the message. docs/providers.md says the same
to those who write gateways."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import ErrorClass

_TOO_MANY_REQUESTS = 429
_TOO_EARLY = 425
_ABOUT_THE_MESSAGE = frozenset({400, 410, 413, 422, 451})
"""Bad, gone, too large, not processable, forbidden by law. Every other refusal is of the URL, the
token, the method, the account or the way there, which somebody will put right: it says nothing
about the message. RFC 9110 section 15.5; RFC 7725 for 451."""
_SENT_ELSEWHERE = frozenset({307, 308})
"""The same request at another URL (RFC 9110 sections 15.4.8 and 15.4.9): this one was not looked
at, and ours is wrong."""
_NOT_A_REFUSAL = frozenset({408, 409})
"""408 is what proxies say when the gateway behind them took too long; with 409 a gateway says that
it has had this key, or is at it."""
_LONGEST_ID = 256
_SECONDS = re.compile(r"[0-9]{1,20}")


def delivery_for(
    status: int, headers: Mapping[str, str], body: bytes | None, now: datetime
) -> Delivery:
    """`headers` with names in lower case or regardless of it; `body` is None if it was too large,
    or not read to its end."""
    if 200 <= status <= 299:
        return Delivery(Outcome.ACCEPTED, provider_message_id=_id_in(body))
    reason, retry_after = f"http_{status}", parse_retry_after(headers.get("retry-after"), now)
    if status == _TOO_MANY_REQUESTS:
        return Delivery(Outcome.REJECTED, reason, ErrorClass.THROTTLED, retry_after=retry_after)
    if status == _TOO_EARLY:
        return Delivery(Outcome.REJECTED, reason, ErrorClass.DEFERRED, retry_after=retry_after)
    if status in _ABOUT_THE_MESSAGE:
        return Delivery(Outcome.REJECTED, reason)
    if status in _SENT_ELSEWHERE or (400 <= status <= 499 and status not in _NOT_A_REFUSAL):
        return Delivery(Outcome.REJECTED, reason, ErrorClass.UNREACHABLE, retry_after=retry_after)
    # 5xx, also 503: any box on the way may have made it up, after the message had got through.
    # Other redirects may follow success.
    return Delivery(Outcome.AMBIGUOUS, reason, retry_after=retry_after)


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds from `now`, from a Retry-After header (RFC 9110 section 10.2.3) in seconds or as a
    date; None for anything else."""
    if text is None:
        return None
    if _SECONDS.fullmatch(text.strip()):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        # The obsolete forms, which must be understood too, name no zone: they are in UTC.
        return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _id_in(body: bytes | None) -> str | None:
    """The gateway's own id of the message: `id`, if that is a string that can be kept and shown."""
    try:
        answer = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    found = answer.get("id") if isinstance(answer, dict) else None
    return (
        found
        if isinstance(found, str) and 1 <= len(found) <= _LONGEST_ID and found.isprintable()
        else None
    )
