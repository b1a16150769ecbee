"""Makes and verifies bearer tokens: JWTs (RFC 7519) signed with Ed25519 (RFC 8037), by a key this
installation makes for itself on first start."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from server.config import ConfigError, Settings
from server.domain.access import Principal
from server.domain.clock import Clock
from server.domain.errors import Unauthenticated
from server.runtime.key_files import write_new_key
from storage.model.ids import new_id

ALGORITHM = "EdDSA"
ISSUER = "carillon"
AUDIENCE = "carillon"
PERSON = "person"
"""The `kind` of a person's token; that of a service has none."""
LIFETIME = timedelta(hours=24)
LEEWAY = timedelta(seconds=30)
"""How far the clocks of issuer and verifier may differ."""
CACHED_TOKENS = 4096
"""Verifying a signature takes about 160 µs, so verified tokens are remembered until they expire."""


def signing_key(settings: Settings, *, may_create: bool) -> Ed25519PrivateKey:
    """The key that every process on one database shares: `signing_key_file`, or that of the data
    directory.

    Only the latter is ever made, and only with `may_create`, by what serves: a token of a key that
    no service has is good for nothing, and replicas that each made one would refuse each other's.
    Raises ConfigError if there is none, saying where it was looked for, or if it cannot be used.
    """
    setting, own = "CARILLON_SIGNING_KEY_FILE", _key_path(settings.data_dir)
    if not (settings.signing_key_file or may_create or own.exists()):
        raise ConfigError(
            f"{setting}: there is no signing key here: this is not set, and there is no "
            f"{own.absolute()}; "
            "go where the service is, with its settings: all processes on one database have one key"
        )
    try:
        return (
            _load_key(Path(settings.signing_key_file))
            if settings.signing_key_file
            else load_or_create_key(settings.data_dir)
        )
    except OSError as error:
        raise ConfigError(f"{setting}: {error.filename} cannot be read: {error.strerror}") from None
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ConfigError(
            f"{setting}: {settings.signing_key_file or own} is no Ed25519 private key in PEM "
            f"without a password"
        ) from None


def load_or_create_key(data_dir: Path) -> Ed25519PrivateKey:
    """The installation's signing key; made, readable only by its owner, if there is none. Two first
    starts at once agree on one."""
    path = _key_path(data_dir)
    if not path.exists():
        _create_key(path)
    return _load_key(path)


def fingerprint(key: Ed25519PrivateKey) -> str:
    """What tells keys apart and may be shown: the SHA-256 of the public key, in hexadecimal."""
    return sha256(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _key_path(data_dir: Path) -> Path:
    return data_dir / "keys" / "signing.pem"


def _load_key(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} is not an Ed25519 private key")
    return key


def _create_key(path: Path) -> None:
    write_new_key(path, Ed25519PrivateKey.generate())


def derive_key(signing_key: Ed25519PrivateKey, purpose: str) -> bytes:
    """A secret of 256 bits for one purpose (HKDF, RFC 5869): the same wherever the signing key is,
    of which it says nothing."""
    secret = signing_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return HKDF(
        algorithm=SHA256(), length=32, salt=None, info=f"carillon {purpose}".encode()
    ).derive(secret)


class Tokens:
    """Makes and verifies tokens."""

    def __init__(self, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock
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
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "jti": token_id or new_id(),
            "brands": sorted(brands),
            "scope": " ".join(sorted(scopes)),
            "iat": _seconds(now),
            "exp": _seconds(now + lifetime),
        }
        if is_person:
            claims["kind"] = PERSON
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verify(self, token: str) -> Principal:
        """Who the token stands for. Raises Unauthenticated, without saying which check failed
        beyond expiry."""
        known = self._verified.get(token)
        if known is None:
            known = self._decode(token)
            if len(self._verified) >= CACHED_TOKENS:
                self._verified.clear()
            self._verified[token] = known
        principal, last_instant = known
        if self._clock.now() > last_instant:
            raise Unauthenticated("the token has expired")
        return principal

    def _decode(self, token: str) -> tuple[Principal, datetime]:
        """Who it stands for, and until when it is accepted."""
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                # Expiry is judged by our own clock, for cached tokens too.
                options={
                    "require": ["exp", "iat", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            last_instant = datetime.fromtimestamp(float(claims["exp"]), UTC) + LEEWAY
            return _principal(claims, last_instant), last_instant
        except (jwt.PyJWTError, TypeError, ValueError, OverflowError, OSError):
            raise Unauthenticated("the token is not one of this service") from None


def _principal(claims: dict[str, object], expires_at: datetime) -> Principal:
    subject, brands, scope = claims["sub"], claims.get("brands", []), claims.get("scope", "")
    if not isinstance(subject, str) or not isinstance(scope, str):
        raise TypeError("sub and scope are strings")
    if not isinstance(brands, list) or not all(isinstance(brand, str) for brand in brands):
        raise TypeError("brands is a list of strings")
    kind = claims.get("kind")
    if kind not in (None, PERSON):
        raise ValueError("kind is that of a person, or missing")
    return Principal(
        subject, frozenset(brands), frozenset(scope.split()), kind == PERSON, expires_at
    )


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
