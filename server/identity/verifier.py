"""Judges the bearer tokens of calls, of every kind that the installation takes, and remembers for a
moment whom they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import jwt

from server.domain.access import Principal
from server.domain.clock import Clock
from server.domain.errors import Unauthenticated

MOST_REMEMBERED = 4096
"""Verifying a signature takes about 160 µs, asking an identity service milliseconds."""
LONGEST_TOKEN = 16 * 1024


@dataclass(frozen=True, slots=True)
class Verified:
    """Whom a token stands for, and until when that need not be asked again."""

    principal: Principal
    until: datetime


def remembered(principal: Principal, until: datetime) -> Verified:
    """The answer of a source, which never counts longer than the token is good."""
    return Verified(principal, min(until, principal.expires_at or until))


class TokenSource(Protocol):
    """One way to judge tokens."""

    def takes(self, issuer: str | None) -> bool:
        """Whether tokens that say to be of this issuer are for it; None: they are no JWTs."""
        ...

    async def verify(self, token: str, now: datetime, client: str) -> Verified:
        """Whom a token stands for; `client` is where it came from. Raises Unauthenticated,
        IdentityUnavailable or StorageUnavailable."""
        ...


class TokenVerifier:
    """Asks the first source that takes a token."""

    def __init__(self, sources: Sequence[TokenSource], clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._remembered: dict[str, Verified] = {}

    def known(self, token: str) -> Principal | None:
        """Whom it stands for, if that is remembered: what most calls need, without waiting."""
        found = self._remembered.get(token)
        return found.principal if found is not None and self._clock.now() < found.until else None

    async def verify(self, token: str, client: str = "") -> Principal:
        """Whom it stands for; `client` tells callers apart before it is known who they are. Raises
        Unauthenticated, without saying which check failed beyond expiry; IdentityUnavailable or
        StorageUnavailable if that cannot be known now."""
        source = self._source_of(token)
        if source is None:
            raise Unauthenticated("the token is not one of this service")
        found = await source.verify(token, self._clock.now(), client)
        self._remember(token, found)
        return found.principal

    def _source_of(self, token: str) -> TokenSource | None:
        if len(token) > LONGEST_TOKEN:
            return None
        issuer = _issuer_of(token)
        return next((source for source in self._sources if source.takes(issuer)), None)

    def _remember(self, token: str, found: Verified) -> None:
        self._remembered.pop(token, None)
        if len(self._remembered) >= MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[token] = found


def _issuer_of(token: str) -> str | None:
    """Who it says has made it, which nobody has verified; None if it is no JWT that says so."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return issuer if isinstance(issuer, str) and issuer else None
