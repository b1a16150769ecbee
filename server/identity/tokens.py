"""Makes and verifies the bearer tokens of this installation: JWTs (RFC 7519) signed with Ed25519
(RFC 8037), by a key that it has made for itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.config import Settings
from server.domain.access import Principal
from server.domain.clock import Clock
from server.domain.errors import Unauthenticated
from server.identity.claims import UNREADABLE, Claims, require_current, text_of
from server.identity.key_store import signing_keys
from server.identity.signing_keys import SigningKeys, key_id
from server.identity.verifier import Verified, remembered
from storage.model.ids import new_id

ALGORITHM = "EdDSA"
IsRevoked: TypeAlias = Callable[[str], Awaitable[bool]]
NAME = "carillon"
"""Issuer and audience where an installation has not set its own."""
PERSON = "person"
"""The `kind` of a person's token; that of a service has none."""
LIFETIME = timedelta(hours=24)
REMEMBERED = timedelta(seconds=20)
"""How long a verified token is: with the time between two looks at the keys, a retired key has
verified its last token after half a minute, and a revoked token is refused sooner."""


def tokens_of(settings: Settings, clock: Clock, *, may_create: bool) -> Tokens:
    """What makes and verifies the tokens of an installation. `may_create` its first key. Raises
    ConfigError if there is no signing key."""
    keys = signing_keys(settings, may_create=may_create)
    return Tokens(keys, clock, settings.token_issuer, settings.token_audience)


class Tokens:
    """Makes and verifies tokens."""

    def __init__(
        self, keys: SigningKeys, clock: Clock, issuer: str = NAME, audience: str = NAME
    ) -> None:
        self.keys = keys
        self._clock = clock
        self.issuer = issuer
        self._audience = audience

    def mint(
        self,
        subject: str,
        brands: Iterable[str],
        scopes: Iterable[str],
        lifetime: timedelta = LIFETIME,
        token_id: str | None = None,
        *,
        is_person: bool = False,
    ) -> str:
        """A token for `subject` that names brands and scopes (space-separated in `scope`, as in RFC
        8693). `token_id` names it in the audit log; without one it gets one. `is_person`: it is
        for no service, and says so."""
        now = self._clock.now()
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": subject,
            "jti": token_id or new_id(),
            "brands": sorted(brands),
            "scope": " ".join(sorted(scopes)),
            "iat": _seconds(now),
            "exp": _seconds(now + lifetime),
        }
        if is_person:
            claims["kind"] = PERSON
        key = self.keys.newest
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id(key)})

    def verify(self, token: str) -> Principal:
        """Whom the token stands for. Raises Unauthenticated, without saying which check failed
        beyond expiry."""
        now = self._clock.now()
        try:
            claims = self._signed_claims(token, now)
            return _principal(claims, require_current(claims, now))
        except (jwt.PyJWTError, *UNREADABLE):
            raise Unauthenticated("the token is not one of this service") from None

    def _signed_claims(self, token: str, now: datetime) -> Claims:
        """What a key in force has signed. Raises PyJWTError."""
        kid = jwt.get_unverified_header(token).get("kid")
        for key in self.keys.verifying(kid, now):
            with suppress(jwt.InvalidSignatureError):
                return self._claims(token, key)
        raise jwt.InvalidSignatureError

    def _claims(self, token: str, key: Ed25519PrivateKey) -> Claims:
        return jwt.decode(
            token,
            key.public_key(),
            algorithms=[ALGORITHM],
            issuer=self.issuer,
            audience=self._audience,
            # Times are judged by our own clock.
            options={
                "require": ["exp", "iat", "sub"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )


class OwnTokens:
    """The tokens of this installation, for `TokenVerifier`."""

    def __init__(self, tokens: Tokens, is_revoked: IsRevoked) -> None:
        """`is_revoked` says of the id of a token whether it was ended before its time."""
        self._tokens = tokens
        self._is_revoked = is_revoked

    def takes(self, issuer: str | None) -> bool:
        """Those that say to be of this installation."""
        return issuer == self._tokens.issuer

    async def verify(self, token: str, now: datetime, client: str) -> Verified:
        """Whom a token stands for. Raises Unauthenticated, and what `is_revoked` raises."""
        principal = self._tokens.verify(token)
        if principal.token_id and await self._is_revoked(principal.token_id):
            raise Unauthenticated("the token has been revoked")
        return remembered(principal, now + REMEMBERED)


def _principal(claims: Claims, expires_at: datetime | None) -> Principal:
    brands, scope, kind = claims.get("brands", []), claims.get("scope", ""), claims.get("kind")
    if not isinstance(brands, list) or not isinstance(scope, str):
        raise TypeError("brands is a list, scope a text")
    if kind not in (None, PERSON):
        raise ValueError("kind is that of a person, or missing")
    return Principal(
        subject=text_of(claims["sub"]),
        brands=frozenset(map(text_of, brands)),
        scopes=frozenset(scope.split()),
        is_person=kind == PERSON,
        expires_at=expires_at,
        token_id=text_of(claims["jti"]) if "jti" in claims else "",
    )


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
