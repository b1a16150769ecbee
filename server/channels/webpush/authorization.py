"""Says to push services who is sending (VAPID, RFC 8292)."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_LIFETIME = timedelta(hours=12)
"""A push service takes none that is good for more than 24 hours (RFC 8292 section 2)."""


def authorization(
    endpoint: str, key: EllipticCurvePrivateKey, public_key: str, contact: str, now: datetime
) -> str:
    """The Authorization header of a request. `contact` is a `mailto:` or `https:` URI by which the
    push service's operator reaches ours."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + _LIFETIME).timestamp()),
        "sub": contact,
    }
    return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={public_key}"
