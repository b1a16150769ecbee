"""Values that nobody sends by mistake, and those at the edges of what is allowed."""

from __future__ import annotations

import math
from random import Random

EDGES = (0, 1, -1, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 2**32)
NUMBERS = (0.0, -0.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, 0.1, 2.0**53 + 2)
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\n\r\t\x1b[2J\x7f\x85",
    "\u202eabc\u2066",
    "\ufeff\u200b\u2028",
    "\U0001f469\u200d\U0001f52c" * 50,
    "e\u0301" * 300,
    "\u0130\u0131\u1e9eﬁ",
    "' OR 1=1; --",
    '"; DROP TABLE messages; --',
    "%00%2e%2e%2f",
    "../../etc/passwd",
    "{{ 'x' | append: name }}{% for i in (1..9999999) %}x{% endfor %}",
    "{% include 'x' %}{{ self.__class__.__mro__ }}",
    "<script>alert(1)</script>\r\nBcc: all@example.com",
    "=cmd|' /C calc'!A0",
    "${jndi:ldap://localhost/a}",
    "-1",
    "NaN",
    "1e999",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59.999999999Z",
    "a@b@c",
    "mailto:a@example.com",
    "+" + "9" * 40,
    "xn--",
    "00000000-0000-0000-0000-000000000000",
    "A" * 255,
    "A" * 4096,
)
LONG = "€" * 70_000
"""Longer than any text of ours may be."""


def text(chance: Random) -> str:
    """One of the texts, seldom the long one, or characters from anywhere in Unicode."""
    kind = chance.random()
    if kind < 0.01:
        return LONG
    if kind < 0.6:
        return chance.choice(TEXTS)
    return "".join(_character(chance) for _ in range(chance.choice((1, 2, 3, 30))))


def _character(chance: Random) -> str:
    while True:
        code = chance.randrange(chance.choice((0x80, 0x800, 0x10000, 0x110000)))
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)
