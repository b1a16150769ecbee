"""Encrypts a message for one browser (RFC 8291), in the one record that push services take (RFC
8188, `aes128gcm`)."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LARGEST_BODY = 4096
"""Octets that every push service takes (RFC 8030 section 7.2)."""
_SALT_BYTES = 16
_RECORD_SIZE = LARGEST_BODY
_LAST_RECORD = b"\x02"
"""Delimiter after the text of the last record (RFC 8188 section 2)."""
_HEADER_BYTES = _SALT_BYTES + 4 + 1 + 65
_TAG_BYTES = 16
LARGEST_TEXT = LARGEST_BODY - _HEADER_BYTES - len(_LAST_RECORD) - _TAG_BYTES
"""Octets of a message before it is encrypted."""


def encrypt(
    text: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    key: EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """The body of the request. `key` and `salt` are for this message alone: made here, but for
    the example of the RFC. Raises ValueError for keys that are none."""
    key = key or generate_private_key(SECP256R1())
    salt = salt or os.urandom(_SALT_BYTES)
    ours = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), p256dh))
    secret = _derive(shared, auth, b"WebPush: info\0" + p256dh + ours, 32)
    content_key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD_SIZE.to_bytes(4, "big") + len(ours).to_bytes(1, "big") + ours
    return header + AESGCM(content_key).encrypt(nonce, text + _LAST_RECORD, None)


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
