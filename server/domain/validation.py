"""Checks fields of requests. All violations of a request are collected, so that a caller mends them
in one go."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from server.domain.errors import FieldViolation, ValidationFailed

NAME_LENGTH = 200
"""Longest idempotency key: it is no field of a proto, which would say so."""
OBJECT_BYTES = 64 * 1024
OBJECT_DEPTH = 32
CLOCK_SKEW = timedelta(minutes=5)
"""How far in the past a `scheduled_at` may be: the caller's clock may be behind ours."""
LATEST_YEARS = timedelta(days=3660)
"""How far ahead something may be scheduled: about ten years; beyond, it is a mistake in the
unit."""

INEXACT = 2**53
"""From here on a double, which JSON numbers become, does not hold every whole number."""
_TOLD_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}|[!<>=]{1,3}")
"""A key that is told in the path of a fault: the name of something, or an operator. Others could be
personal."""
_AROUND_A_MEMBER = 24
"""Characters of a short integer, quotes, colon, comma and spaces."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def has_control_characters(text: str) -> bool:
    """Whether the text has a C0 control character or DEL; none belongs in an id, a name or an
    address."""
    return _CONTROL.search(text) is not None


class Checks:
    """Collects violations, then raises them together."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    @property
    def violations(self) -> Sequence[FieldViolation]:
        """What was found so far."""
        return self._violations

    @property
    def count(self) -> int:
        """How many violations there are so far: a check of a long list stops at some."""
        return len(self._violations)

    def add(self, field: str, message: str) -> None:
        """Records a violation."""
        self._violations.append(FieldViolation(field, message))

    def add_all(self, violations: Iterable[FieldViolation]) -> None:
        """Records violations that were found elsewhere."""
        self._violations.extend(violations)

    def require(self, holds: bool, field: str, message: str) -> None:
        """Records a violation unless `holds`."""
        if not holds:
            self.add(field, message)

    def attempt(self, check: Callable[[], object]) -> None:
        """Runs a check that raises ValidationFailed, and keeps its violations."""
        try:
            check()
        except ValidationFailed as error:
            self._violations.extend(error.violations)

    def finish(self) -> None:
        """Raises ValidationFailed if there was any violation."""
        if self._violations:
            raise ValidationFailed(self._violations)

    def line(self, field: str, value: str, longest: int, *, required: bool = True) -> None:
        """A single line of text: not blank if required, not longer than `longest` characters, no
        control characters."""
        if required and not value.strip():
            self.add(field, "is required")
        elif len(value) > longest:
            self.add(field, f"must be at most {longest} characters")
        elif has_control_characters(value):
            self.add(field, "must not contain line breaks or control characters")

    def json_object(self, field: str, value: Mapping[str, object]) -> None:
        """A JSON object both databases can hold: finite numbers, no NUL, not too large or deep."""
        if _is_small_and_flat(value):
            return
        if _depth(value) > OBJECT_DEPTH:
            self.add(field, f"must not be nested deeper than {OBJECT_DEPTH}")
        elif not _storable(value):
            self.add(field, "must hold only finite numbers and no NUL character")
        elif len(json.dumps(value, ensure_ascii=False).encode()) > OBJECT_BYTES:
            self.add(field, f"must be at most {OBJECT_BYTES} bytes as JSON")
        else:
            self.exact_numbers(field, value)

    def exact_numbers(self, field: str, value: object) -> None:
        """No number in a JSON value is one that may have been changed on its way. Each that is, is
        told by its path."""
        for path in dict.fromkeys(_inexact(value, field)):
            self.add(path, "is a number too large to be kept exactly; write it as a string")

    def schedule_time(self, field: str, value: datetime, now: datetime) -> None:
        """An instant something may be scheduled for."""
        if value < now - CLOCK_SKEW:
            self.add(field, "must not be in the past")
        elif value > now + LATEST_YEARS:
            self.add(field, "must be within ten years")

    def expiry(self, field: str, value: datetime, now: datetime) -> None:
        """An instant at which something becomes stale."""
        self.require(value > now, field, "must be in the future")

    def schedule(self, scheduled_at: datetime, expire_at: datetime | None, now: datetime) -> None:
        """When something is due, and when it is stale (None: never); that is judged only beside a
        time that is good."""
        before = self.count
        self.schedule_time("scheduled_at", scheduled_at, now)
        if expire_at is not None and self.count == before:
            self.require(
                expire_at > max(scheduled_at, now),
                "expire_at",
                "must be in the future and after scheduled_at",
            )

    def time_zone(self, field: str, value: str) -> None:
        """A zone of the IANA database."""
        self.require(_is_time_zone(value), field, "must be an IANA time zone such as Europe/Lisbon")


@lru_cache(1024)
def _is_time_zone(name: str) -> bool:
    """Remembered: zoneinfo would read the zone's file for every person."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_small_and_flat(value: Mapping[str, object]) -> bool:
    """Whether there is nothing to check: most objects are a few names and short values, and come by
    the thousand."""
    characters = 0
    for name, member in value.items():
        if type(member) is str:
            characters += len(member)
            if "\x00" in member:
                return False
        elif type(member) is not bool and (type(member) is not int or abs(member) >= INEXACT):
            return False
        characters += len(name) + _AROUND_A_MEMBER
        if "\x00" in name:
            return False
    # JSON takes at most six bytes for a character.
    return characters * 6 <= OBJECT_BYTES


def _depth(value: object) -> int:
    """Nesting of objects and lists, without recursion: the input may be hostile."""
    deepest, level = 0, [value]
    while level:
        nested = [item for item in level if isinstance(item, Mapping | list)]
        deepest += bool(nested)
        level = [
            child
            for item in nested
            for child in (item.values() if isinstance(item, Mapping) else item)
        ]
    return deepest


def _inexact(value: object, path: str) -> Iterator[str]:
    """Paths of numbers that are not exact, up to the first key that is not told."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if _TOLD_KEY.fullmatch(key):
                yield from _inexact(member, f"{path}.{key}")
            else:
                yield from (path for _ in _inexact(member, ""))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inexact(item, f"{path}[{index}]")
    elif isinstance(value, int | float) and abs(value) >= INEXACT:
        yield path


def _storable(value: object) -> bool:
    if isinstance(value, Mapping):
        return all("\x00" not in key and _storable(child) for key, child in value.items())
    if isinstance(value, list):
        return all(map(_storable, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, str) or "\x00" not in value
