"""Reads claims of tokens: what is said of whom, in words that can be kept and compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from server.domain.access import Principal
from server.domain.errors import Unauthenticated
from server.domain.validation import NAME_LENGTH

Claims: TypeAlias = Mapping[str, Any]
LEEWAY = timedelta(seconds=30)
"""How far the clocks of issuer and verifier may differ."""
UNREADABLE = (TypeError, ValueError, KeyError, OverflowError, OSError)
"""What reading claims raises where they are not as they should be."""
_UNFIT = ("Cc", "Cs")
"""Control characters, which could end a line of a log or a part of a key, and halves of surrogate
pairs, which are no text at all."""


@dataclass(frozen=True, slots=True)
class ClaimMapping:
    """Which claims of other issuers say what."""

    subject: str = "sub"
    brands: str = "brands"
    scopes: str = "scope"
    service: tuple[str, str] | None = None
    """The claim, and its value, of a service; None: everybody is a person."""

    def principal(self, claims: Claims, issuer: str, expires_at: datetime | None) -> Principal:
        """Who the claims are of. Raises one of UNREADABLE."""
        if "jti" in claims:
            text_of(claims["jti"])
        return Principal(
            subject=text_of(_find(claims, self.subject)),
            brands=frozenset(map(text_of, _listed(_find(claims, self.brands)))),
            scopes=frozenset(_words(_find(claims, self.scopes))),
            is_person=not self._is_service(claims),
            expires_at=expires_at,
            issuer=issuer,
        )

    def _is_service(self, claims: Claims) -> bool:
        if self.service is None:
            return False
        name, expected = self.service
        return expected in [_word(each) for each in _listed(_find(claims, name))]


def text_of(value: object) -> str:
    """A claim that is one line of text. Raises ValueError."""
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LENGTH:
        raise ValueError(f"a text of 1 to {NAME_LENGTH} characters")
    if any(unicodedata.category(character) in _UNFIT for character in value):
        raise ValueError("no control characters")
    return value


def require_current(claims: Claims, now: datetime, leeway: timedelta = LEEWAY) -> datetime | None:
    """Until when the claims hold, or None if they do not say. Raises Unauthenticated if they do not
    hold any more, one of UNREADABLE if they do not yet."""
    if "nbf" in claims and _instant(claims["nbf"]) - LEEWAY > now:
        raise ValueError("not yet")
    if claims.get("exp") is None:
        return None
    expires_at = _instant(claims["exp"]) + leeway
    if now > expires_at:
        raise Unauthenticated("the token has expired")
    return expires_at


def _instant(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("seconds since 1970")
    return datetime.fromtimestamp(float(value), UTC)


def _find(claims: Claims, name: str) -> object:
    """The claim of this name; else the one that its parts between dots lead to; None if there is
    none."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _listed(value: object) -> list[object]:
    """A claim that may be one value, several or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _words(value: object) -> list[str]:
    """A claim of words: a list, or a text with spaces between (RFC 8693). Raises TypeError."""
    if isinstance(value, str):
        return value.split()
    words = _listed(value)
    if not all(isinstance(word, str) for word in words):
        raise TypeError("words")
    return [str(word) for word in words]


def _word(value: object) -> str:
    """A value as a setting writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
