"""Keeps the public keys of an issuer (JWKS, RFC 7517): cached, looked for again at a limited rate,
and good while the issuer is away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from server.domain.clock import Clock
from server.domain.errors import IdentityUnavailable

LOOK_AGAIN = timedelta(seconds=10)
"""Least time between two looks: tokens of made-up keys must not make the service ask all the
time."""
REFRESHED = timedelta(minutes=5)
"""Age at which the keys are looked at again: so long a withdrawn key may go on to verify."""
LEAST_RSA_BITS = 2048
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
Load: TypeAlias = Callable[[], Awaitable[bytes]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key, and the algorithms that it is for."""

    key: Any
    algorithms: tuple[str, ...]


class KeySet:
    """The keys of one issuer, by `kid`."""

    def __init__(self, load: Load, clock: Clock) -> None:
        """`load` gets the document; what it raises means that the issuer is away."""
        self._load = load
        self._clock = clock
        self._keys: dict[str | None, IssuerKey] = {}
        self._looked_at = self._loaded_at = datetime.min.replace(tzinfo=UTC)
        self._is_away = False
        self._looking: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> IssuerKey | None:
        """The key that a token names, or the only one for a token that names none; None if the
        issuer has no such key. Raises IdentityUnavailable if that cannot be known now."""
        found = self._find(kid)
        if found is None:
            await asyncio.shield(self._look())
            found = self._find(kid)
        elif self._clock.now() - self._loaded_at >= REFRESHED:
            self._look()
        if found is None and self._is_away:
            raise IdentityUnavailable
        return found

    def _find(self, kid: str | None) -> IssuerKey | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return None if kid is None else self._keys.get(kid)

    def _look(self) -> asyncio.Task[None]:
        """The look that is going on, or a new one if it is time for one."""
        if self._looking is None or (
            self._looking.done() and self._clock.now() - self._looked_at >= LOOK_AGAIN
        ):
            self._looked_at = self._clock.now()
            self._looking = asyncio.create_task(self._look_now(), name="issuer-keys")
        return self._looking

    async def _look_now(self) -> None:
        try:
            keys = read_key_set(await self._load())
        except Exception as error:  # noqa: BLE001 - whatever it is, the issuer's keys are not to be had
            self._is_away = True
            _log.warning("the keys of the issuer cannot be read: %s", type(error).__name__)
        else:
            self._keys, self._is_away, self._loaded_at = keys, False, self._clock.now()


def read_key_set(document: bytes) -> dict[str | None, IssuerKey]:
    """The keys of a document that can verify, by `kid`. Raises ValueError if there is none."""
    given = json.loads(document)
    if not isinstance(given, dict) or not isinstance(given.get("keys"), list):
        raise ValueError("no key set")
    keys = {}
    for each in given["keys"]:
        key = _usable(each) if isinstance(each, dict) else None
        if key is not None:
            keys[each.get("kid")] = key
    if not keys:
        raise ValueError("no usable key")
    return keys


def _usable(given: dict[str, Any]) -> IssuerKey | None:
    """A public key of an asymmetric algorithm; None for every other, such as one that is for
    encryption, too short, or secret."""
    family = _RSA if given.get("kty") == "RSA" else _CURVES.get(str(given.get("crv")), ())
    algorithms = tuple(each for each in family if each == given.get("alg", each))
    kid = given.get("kid")
    if not algorithms or "d" in given or given.get("use", "sig") != "sig":
        return None
    if kid is not None and not isinstance(kid, str):
        return None
    try:
        key = jwt.PyJWK(given, algorithms[0]).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        return None
    return IssuerKey(key, algorithms)
