"""Reads dates in attributes: which strings are dates, and which instants they mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY_OF_ANY_YEAR = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DATE = f"(?!0000)(?:[0-9]{{4}}-{_DAY_OF_ANY_YEAR}|{_LEAP_YEAR}-02-29)"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,9})?"
_OFFSET = "(?:[Zz]|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])"

INSTANT_PATTERN = f"{_DATE}(?:[Tt ]{_TIME}{_OFFSET})?"
"""All of a string that is a date, as a regular expression that Python and PostgreSQL read alike: an
RFC 3339 instant, or a date alone.

A date that matches exists: no 30 February, and no 29th in a common year. Not taken, though RFC 3339
would: leap seconds, and offsets from 16 hours on, which are nowhere and which PostgreSQL cannot
read.
"""
_INSTANT = re.compile(INSTANT_PATTERN)
_DATE_LENGTH = len("2026-03-01")


def parse_instant(text: str) -> int | None:
    """Microseconds from 1970 to the instant that a string names, finer digits dropped; a date alone
    is its midnight in UTC. None if the string is no date. Not a datetime: with its offset, one may
    lie before year 1 or after 9999."""
    if not _INSTANT.fullmatch(text):
        return None
    return microseconds(
        datetime.fromisoformat(text.upper() if len(text) > _DATE_LENGTH else f"{text}T00Z")
    )


def format_instant(instant: datetime) -> str:
    """An aware instant as RFC 3339 in UTC with six digits, such as 2026-03-01T12:00:00.000000Z:
    such strings sort as their instants do."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def microseconds(instant: datetime) -> int:
    """Microseconds from 1970 to an aware instant."""
    return (instant - _EPOCH) // _MICROSECOND
