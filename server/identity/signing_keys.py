"""Keeps the keys that sign the tokens of an installation: the newest signs, all of them verify."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from server.config import ConfigError

LOOK_AGAIN = timedelta(seconds=10)
"""Least time between two looks for other keys: tokens of made-up keys must not make the service
read files all the time."""
KEY_ID_LENGTH = 16
Look: TypeAlias = Callable[[], Sequence[Ed25519PrivateKey]]

_log = logging.getLogger(__name__)


class SigningKeys:
    """The keys in force, oldest first."""

    def __init__(self, keys: Sequence[Ed25519PrivateKey], look: Look | None = None) -> None:
        """`look` reads them anew; without it they stay as they are."""
        self._keys = _by_id(keys)
        self._look = look
        self._looked_at = datetime.min.replace(tzinfo=UTC)

    @property
    def newest(self) -> Ed25519PrivateKey:
        """The one that signs."""
        return list(self._keys.values())[-1]

    @property
    def all(self) -> tuple[Ed25519PrivateKey, ...]:
        """Oldest first."""
        return tuple(self._keys.values())

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all of them."""
        return tuple(self._keys)

    def verifying(self, kid: str | None, now: datetime) -> Sequence[Ed25519PrivateKey]:
        """The keys that may have signed a token which names this one; all of them if it names
        none."""
        if self._look is not None and now - self._looked_at >= LOOK_AGAIN:
            self._look_again(self._look, now)
        if kid is None:
            return self.all
        return (self._keys[kid],) if kid in self._keys else ()

    def _look_again(self, look: Look, now: datetime) -> None:
        self._looked_at = now
        try:
            self._keys = _by_id(look())
        except ConfigError as error:
            _log.warning("the signing keys stay as they were: %s", error)


def fingerprint(key: Ed25519PrivateKey) -> str:
    """What tells keys apart and may be shown: the SHA-256 of the public key, in hexadecimal."""
    return sha256(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def key_id(key: Ed25519PrivateKey) -> str:
    """The `kid` of a key's tokens: the beginning of its fingerprint."""
    return fingerprint(key)[:KEY_ID_LENGTH]


def derive_key(signing_key: Ed25519PrivateKey, purpose: str) -> bytes:
    """A secret of 256 bits for one purpose (HKDF, RFC 5869): the same wherever the signing key is,
    of which it says nothing."""
    secret = signing_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return HKDF(
        algorithm=SHA256(), length=32, salt=None, info=f"carillon {purpose}".encode()
    ).derive(secret)


def _by_id(keys: Sequence[Ed25519PrivateKey]) -> dict[str, Ed25519PrivateKey]:
    return {key_id(key): key for key in keys}
