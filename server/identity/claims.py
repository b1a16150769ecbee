"""Reads claims of tokens: what is said of whom, in words that can be kept and compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from server.domain.validation import NAME_LENGTH

Claims: TypeAlias = Mapping[str, Any]
LEEWAY = timedelta(seconds=30)
"""How far the clocks of issuer and verifier may differ."""
_UNFIT = ("Cc", "Cs")
"""Control characters, which could end a line of a log or a part of a key, and halves of surrogate
pairs, which are no text at all."""


def text_in(claims: Claims, name: str) -> str:
    """A claim that is one line of text. Raises ValueError."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LENGTH:
        raise ValueError(f"{name} is a text of 1 to {NAME_LENGTH} characters")
    if any(unicodedata.category(character) in _UNFIT for character in value):
        raise ValueError(f"{name} has no control characters")
    return value


def texts_in(claims: Claims, name: str) -> frozenset[str]:
    """A claim that is a list of such texts; empty if it is not there. Raises ValueError."""
    values = claims.get(name, [])
    if not isinstance(values, list):
        raise ValueError(f"{name} is a list")
    return frozenset(text_in({name: value}, name) for value in values)


def last_instant(claims: Claims, leeway: timedelta = LEEWAY) -> datetime:
    """Until when they hold. Raises ValueError, TypeError, OverflowError or OSError."""
    return datetime.fromtimestamp(float(claims["exp"]), UTC) + leeway
