"""The key by which push services know this installation (VAPID, RFC 8292): of P-256, made on first
start. Browsers subscribe with its public half, so another key ends every subscription."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from server.config import ConfigError, Settings
from server.config.private_files import UnfitFileError, read_private
from server.domain.contacts.push_subscriptions import encode
from server.runtime.key_files import write_new_key


def vapid_key(settings: Settings, *, may_create: bool) -> EllipticCurvePrivateKey | None:
    """The key that every process on one database shares: `vapid_key_file`, or that of the data
    directory, which is made if it `may` be; None if there is none, and so no Web Push.

    Raises ConfigError if it cannot be used."""
    own = settings.data_dir / "keys" / "vapid.pem"
    path = Path(settings.vapid_key_file) if settings.vapid_key_file else own
    try:
        if path == own and not own.exists():
            if not may_create:
                return None
            write_new_key(own, generate_private_key(SECP256R1()))
        return _load(path)
    except UnfitFileError as error:
        raise ConfigError(f"CARILLON_VAPID_KEY_FILE: {error}") from None
    except OSError as error:
        raise ConfigError(
            f"CARILLON_VAPID_KEY_FILE: {error.filename} cannot be read: {error.strerror}"
        ) from None
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ConfigError(
            f"CARILLON_VAPID_KEY_FILE: {path} is no P-256 private key in PEM without a password"
        ) from None


def public_text(key: EllipticCurvePrivateKey) -> str:
    """The public key as browsers take it: the uncompressed point in base64url."""
    return encode(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _load(path: Path) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(read_private(path), password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise TypeError(f"{path} is not a P-256 private key")
    return key
