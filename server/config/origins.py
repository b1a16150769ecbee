"""Reads origins of web pages, as browsers send them in the `Origin` header (RFC 6454, 6.2)."""

from __future__ import annotations

import re

_ORIGIN = re.compile(
    r"(https?)://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?"
)
_LEFT_OUT = {"http": "80", "https": "443"}
"""The port that a browser does not send."""


def origins_in(text: str) -> tuple[str, ...]:
    """The origins in a list with commas; none in an empty text. Raises ValueError for one that no
    browser would send."""
    return tuple(_origin(item.strip()) for item in text.split(",")) if text else ()


def _origin(text: str) -> str:
    parts = _ORIGIN.fullmatch(text)
    if parts is None or parts[3] == _LEFT_OUT[parts[1]] or int(parts[3] or 0) > 65535:
        raise ValueError(
            f"{text!r} is not an origin as browsers send it, "
            "such as https://app.example.com or http://localhost:3000"
        )
    return text
