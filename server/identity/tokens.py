"""Makes and verifies the bearer tokens of this installation: JWTs (RFC 7519) signed with Ed25519
(RFC 8037), by a key that it has made for itself."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.config import Settings
from server.domain.access import Principal
from server.domain.clock import Clock
from server.domain.errors import Unauthenticated
from server.identity.claims import Claims, last_instant, text_in, texts_in
from server.identity.key_store import signing_keys
from server.identity.signing_keys import SigningKeys, key_id
from storage.model.ids import new_id

ALGORITHM = "EdDSA"
NAME = "carillon"
"""Issuer and audience where an installation has not set its own."""
PERSON = "person"
"""The `kind` of a person's token; that of a service has none."""
LIFETIME = timedelta(hours=24)
CACHED_TOKENS = 4096
"""Verifying a signature takes about 160 µs, so verified tokens are remembered."""
REMEMBERED = timedelta(seconds=20)
"""How long: with the time between two looks at the keys, a retired key has verified its last token
after half a minute."""


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
        self._issuer = issuer
        self._audience = audience
        self._verified: dict[str, tuple[Principal, datetime]] = {}

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
            "iss": self._issuer,
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
        """Who the token stands for. Raises Unauthenticated, without saying which check failed
        beyond expiry."""
        now = self._clock.now()
        principal, until = self._verified.get(token, (None, now))
        if principal is None or now >= until:
            principal = self._decode(token, now)
            self._remember(token, principal, now + REMEMBERED)
        return principal

    def _remember(self, token: str, principal: Principal, until: datetime) -> None:
        self._verified.pop(token, None)
        if len(self._verified) >= CACHED_TOKENS:
            del self._verified[next(iter(self._verified))]
        assert principal.expires_at is not None
        self._verified[token] = principal, min(until, principal.expires_at)

    def _decode(self, token: str, now: datetime) -> Principal:
        try:
            claims = self._signed_claims(token, now)
            expires_at = last_instant(claims)
            principal = _principal(claims, expires_at)
        except (jwt.PyJWTError, TypeError, ValueError, OverflowError, OSError):
            raise Unauthenticated("the token is not one of this service") from None
        if now > expires_at:
            raise Unauthenticated("the token has expired")
        return principal

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
            issuer=self._issuer,
            audience=self._audience,
            # Expiry is judged by our own clock.
            options={
                "require": ["exp", "iat", "sub"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )


def _principal(claims: Claims, expires_at: datetime) -> Principal:
    scope, kind = claims.get("scope", ""), claims.get("kind")
    if not isinstance(scope, str):
        raise TypeError("scope is a string")
    if kind not in (None, PERSON):
        raise ValueError("kind is that of a person, or missing")
    if "jti" in claims:
        text_in(claims, "jti")
    return Principal(
        subject=text_in(claims, "sub"),
        brands=texts_in(claims, "brands"),
        scopes=frozenset(scope.split()),
        is_person=kind == PERSON,
        expires_at=expires_at,
    )


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
