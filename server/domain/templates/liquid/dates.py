"""Liquid's `date`, and `in_zone` for a person's own time. A date without a zone is in UTC, whatever
zone the machine is in.

A text says a date as it would to Ruby's `Time.parse`, which Liquid's reference uses: in ISO 8601,
RFC 5322 or English words. `10/11/2026` is the tenth of November; of two digits each, the first are
the year.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil import parser
from liquid.filter import with_context
from markupsafe import Markup

from server.domain.templates.liquid.strftime import format_instant
from server.domain.templates.liquid.values import Misuse, text_of
from server.domain.templates.rendering_budget import MeteredContext

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_FIRST = re.compile(r"\s*\d{1,2}[-/.]\d{1,2}[-/.]\d{4}\b")
_YEAR_FIRST = re.compile(r"\s*\d{1,2}[-/.]\d{1,2}[-/.]\d{1,2}\b(?![-/.\d])")
_CLOCK_TIME = re.compile(r"\d:\d|\d\s*[ap]\.?m\b", re.IGNORECASE)
_ZONES = {
    **dict.fromkeys(("UTC", "GMT", "Z", "WET"), 0.0),
    "EST": -5.0,
    "EDT": -4.0,
    "CST": -6.0,
    "CDT": -5.0,
    "MST": -7.0,
    "MDT": -6.0,
    "PST": -8.0,
    "PDT": -7.0,
    "BST": 1.0,
    "WEST": 1.0,
    "CET": 1.0,
    "CEST": 2.0,
    "EET": 2.0,
    "EEST": 3.0,
    "MSK": 3.0,
    "IST": 5.5,
    "JST": 9.0,
}
"""Hours east of UTC, of names that Ruby knows too. The machine's own names are not asked: each
machine has others."""


@with_context
def date(value: object, layout: object, *, context: MeteredContext) -> object:
    """The instant that the value says, by a layout of strftime; the value itself where it says
    none."""
    if not text_of(layout):
        return value
    when = read_instant(value, context.now)
    if when is None:
        return value
    written = format_instant(when, str(text_of(layout)))
    # The layout is the author's, and nothing that a directive writes has a tag in it.
    return Markup(written) if isinstance(layout, Markup) else written  # noqa: S704


@with_context
def in_zone(value: object, zone: object, *, context: MeteredContext) -> object:
    """The instant that the value says, in a zone of the IANA database; without a zone as it was.
    Raises Misuse for an unknown zone."""
    when = read_instant(value, context.now)
    if when is None or not zone:
        return value if when is None else when
    found = _zone_of(str(text_of(zone)))
    if found is None:
        raise Misuse("there is no such time zone")
    return when.astimezone(found)


def read_instant(value: object, now: datetime) -> datetime | None:
    """The instant that a value says: `now` and `today`, seconds since 1970, or a date as text; None
    if it says none."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _after_epoch(value)
    if not isinstance(value, str):
        return None
    if value.lower() in {"now", "today"}:
        return now
    return (
        _after_epoch(int(value))
        if value.isascii() and value.isdigit()
        else _read_text(str(value), now)
    )


def _after_epoch(seconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _read_text(text: str, now: datetime) -> datetime | None:
    if not any(character.isdigit() for character in text):
        return None
    # A time alone is today's, a month alone starts with its first day.
    start = now.replace(
        tzinfo=None,
        day=now.day if _CLOCK_TIME.search(text) else 1,
        hour=0,
        minute=0,
        second=0,
        microsecond=0,
    )
    try:
        read: datetime = parser.parse(
            text,
            default=start,
            dayfirst=_DAY_FIRST.match(text) is not None,
            yearfirst=_YEAR_FIRST.match(text) is not None,
            tzinfos=_named_zone,
        )
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, ArithmeticError):
        return None


def _named_zone(name: str | None, offset: int | None) -> tzinfo | None:
    """A zone as a date names it. Raises ValueError for an unknown name: to take it for UTC would be
    hours wrong."""
    if offset is not None:
        return timezone(timedelta(seconds=offset)) if offset else UTC
    if name is None:
        return None
    if name not in _ZONES:
        raise ValueError("not a known zone")
    return timezone(timedelta(hours=_ZONES[name]), name) if _ZONES[name] else UTC


@lru_cache(maxsize=1024)
def _zone_of(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None
