"""A browser with a push subscription: makes its keys, and reads what is encrypted for it."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.domain.contacts.push_subscriptions import AUTH_BYTES, encode

PUSH_SERVICE = "https://push.example.net"


class Browser:
    """One browser, as its push service knows it."""

    def __init__(self, origin: str = PUSH_SERVICE) -> None:
        self.key: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
        self.auth = os.urandom(AUTH_BYTES)
        self.path = f"/send/{uuid4().hex}"
        self.endpoint = f"{origin}{self.path}"

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def registration(self, brand: str, person_id: str = "ana") -> dict[str, Any]:
        """The request that registers it."""
        return {
            "brand_id": brand,
            "person_id": person_id,
            "endpoint": self.endpoint,
            "p256dh": encode(self.point),
            "auth": encode(self.auth),
            "user_agent": "Mozilla/5.0",
        }

    def decrypt(self, body: bytes) -> bytes:
        """What its page gets (RFC 8291 section 3, RFC 8188 section 2), by HMAC alone, as the RFC
        spells it out. Raises InvalidTag for what is not for it."""
        salt, length = body[:16], body[20]
        theirs, record = body[21 : 21 + length], body[21 + length :]
        assert len(body) <= int.from_bytes(body[16:20], "big"), "more than one record"
        sender = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), theirs)
        shared = _hmac(self.auth, self.key.exchange(ECDH(), sender))
        secret = _hmac(shared, b"WebPush: info\0" + self.point + theirs + b"\1")
        extracted = _hmac(salt, secret)
        key = _hmac(extracted, b"Content-Encoding: aes128gcm\0\1")[:16]
        nonce = _hmac(extracted, b"Content-Encoding: nonce\0\1")[:12]
        text = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert text.endswith(b"\2"), "not the last record"
        return text[:-1]


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()
