"""Verifies the JWTs of an issuer by its public keys."""

from __future__ import annotations

from datetime import datetime, timedelta

import jwt

from server.domain.errors import Unauthenticated
from server.identity.claims import UNREADABLE, ClaimMapping, Claims, require_current
from server.identity.key_sets import KeySet
from server.identity.verifier import Verified, remembered

REMEMBERED = timedelta(seconds=20)


class IssuedTokens:
    """Tokens of one issuer, for one audience."""

    def __init__(self, keys: KeySet, issuer: str, audience: str, mapping: ClaimMapping) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._mapping = mapping

    def takes(self, issuer: str | None) -> bool:
        """Those that say to be of the issuer."""
        return issuer == self._issuer

    async def verify(self, token: str, now: datetime, client: str) -> Verified:
        """Whom a token stands for. Raises Unauthenticated or IdentityUnavailable."""
        try:
            claims = await self._signed_claims(token)
            expires_at = require_current(claims, now)
            principal = self._mapping.principal(claims, self._issuer, expires_at)
        except (jwt.PyJWTError, *UNREADABLE):
            raise Unauthenticated("the token is not one of this service") from None
        return remembered(principal, now + REMEMBERED)

    async def _signed_claims(self, token: str) -> Claims:
        kid = jwt.get_unverified_header(token).get("kid")
        key = await self._keys.find(kid)
        if key is None:
            raise jwt.InvalidKeyError
        return jwt.decode(
            token,
            key.key,
            algorithms=list(key.algorithms),
            issuer=self._issuer,
            audience=self._audience,
            # Times are judged by our own clock.
            options={
                "require": ["exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
