"""Formats of the `date` filter: Ruby's `Time#strftime`, the same on every machine.

Python's own `strftime` is the C library's: it differs between systems, knows no `%-d` on some, and
gives `%s` by the host's zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

_DIRECTIVE = re.compile(r"%([-_0^#]*)(:{0,2})([0-9]{0,2})([A-Za-z%+])")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_TEXTS: Mapping[str, Callable[[datetime], str]] = {
    "A": lambda when: _DAYS[when.weekday()],
    "a": lambda when: _DAYS[when.weekday()][:3],
    "B": lambda when: _MONTHS[when.month - 1],
    "b": lambda when: _MONTHS[when.month - 1][:3],
    "h": lambda when: _MONTHS[when.month - 1][:3],
    "p": lambda when: "AM" if when.hour < 12 else "PM",
    "P": lambda when: "am" if when.hour < 12 else "pm",
    "Z": lambda when: when.tzname() or "",
    "n": lambda _: "\n",
    "t": lambda _: "\t",
    "%": lambda _: "%",
}
_NUMBERS: Mapping[str, tuple[Callable[[datetime], int], int, str]] = {
    "Y": (lambda when: when.year, 4, "0"),
    "C": (lambda when: when.year // 100, 2, "0"),
    "y": (lambda when: when.year % 100, 2, "0"),
    "m": (lambda when: when.month, 2, "0"),
    "d": (lambda when: when.day, 2, "0"),
    "e": (lambda when: when.day, 2, " "),
    "j": (lambda when: when.timetuple().tm_yday, 3, "0"),
    "H": (lambda when: when.hour, 2, "0"),
    "k": (lambda when: when.hour, 2, " "),
    "I": (lambda when: when.hour % 12 or 12, 2, "0"),
    "l": (lambda when: when.hour % 12 or 12, 2, " "),
    "M": (lambda when: when.minute, 2, "0"),
    "S": (lambda when: when.second, 2, "0"),
    "s": (lambda when: int(when.timestamp() // 1), 1, "0"),
    "u": (lambda when: when.isoweekday(), 1, "0"),
    "w": (lambda when: when.isoweekday() % 7, 1, "0"),
    "G": (lambda when: when.isocalendar().year, 4, "0"),
    "g": (lambda when: when.isocalendar().year % 100, 2, "0"),
    "V": (lambda when: when.isocalendar().week, 2, "0"),
    "U": (lambda when: _week(when, when.isoweekday() % 7), 2, "0"),
    "W": (lambda when: _week(when, when.weekday()), 2, "0"),
}
"""What a directive counts, to how many places, and what fills them."""
_COMPOSED: Mapping[str, str] = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "v": "%e-%^b-%Y",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "+": "%a %b %e %H:%M:%S %Z %Y",
}
_FRACTIONS = {"L": 3, "N": 9}
"""Digits of a second, unless the directive says how many."""


def format_instant(when: datetime, layout: str) -> str:
    """The instant, in its own zone, by the layout. What is no directive stays as it is."""
    return _DIRECTIVE.sub(lambda found: _written(when, found), layout)


def _written(when: datetime, directive: re.Match[str]) -> str:
    flags, colons, places, letter = directive.groups()
    width = int(places or 0)
    if letter == "z":
        return _offset(when, colons)
    if colons:
        return directive.group()
    if letter in _FRACTIONS:
        return f"{when.microsecond:06}".ljust(max(width, 9), "0")[: width or _FRACTIONS[letter]]
    if letter in _NUMBERS:
        return _padded_number(when, letter, flags, width)
    if letter in _TEXTS:
        return _cased(_TEXTS[letter](when), letter, flags).rjust(
            width, "0" if "0" in flags else " "
        )
    return (
        format_instant(when, _COMPOSED[letter]).rjust(width)
        if letter in _COMPOSED
        else directive.group()
    )


def _padded_number(when: datetime, letter: str, flags: str, width: int) -> str:
    count, places, filler = _NUMBERS[letter]
    if "-" in flags:
        return str(count(when))
    filler = " " if "_" in flags else "0" if "0" in flags else filler
    return str(count(when)).rjust(width or places, filler)


def _cased(text: str, letter: str, flags: str) -> str:
    if "#" in flags and letter == "p":
        return text.lower()
    return text.upper() if "^" in flags or "#" in flags else text


def _offset(when: datetime, colons: str) -> str:
    seconds = round((when.utcoffset() or timedelta()).total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    parts = [f"{'-' if seconds < 0 else '+'}{hours:02}", f"{rest // 60:02}", f"{rest % 60:02}"]
    return "".join(parts[:2]) if not colons else ":".join(parts[: len(colons) + 1])


def _week(when: datetime, days_into_week: int) -> int:
    return (when.timetuple().tm_yday + 6 - days_into_week) // 7
