"""Reads the secrets that providers sign webhooks with (Standard Webhooks). No reason quotes one."""

from __future__ import annotations

import base64
import binascii

PREFIX = "whsec_"
MOST_OF_A_BRAND = 2
"""One, and another while it is replaced."""
LEAST_BYTES, MOST_BYTES = 24, 64
"""Those of Standard Webhooks."""


def webhook_secrets_in(text: str) -> dict[str, tuple[bytes, ...]]:
    """The secrets by brand, of a list with commas of `brand=whsec_…`; none in an empty text. Raises
    ValueError."""
    found: dict[str, tuple[bytes, ...]] = {}
    for item in text.split(",") if text else ():
        brand_id, mark, encoded = item.strip().rpartition(f"={PREFIX}")
        if not mark or not brand_id:
            raise ValueError(f"must be brand={PREFIX}… each, with commas between")
        found[brand_id] = (*found.get(brand_id, ()), _decoded(brand_id, encoded))
        if len(found[brand_id]) > MOST_OF_A_BRAND:
            raise ValueError(f"{brand_id!r} has more than {MOST_OF_A_BRAND} secrets")
    return found


def _decoded(brand_id: str, encoded: str) -> bytes:
    try:
        secret = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError(f"a secret of {brand_id!r} is not base64 after {PREFIX}") from None
    if not LEAST_BYTES <= len(secret) <= MOST_BYTES:
        raise ValueError(f"a secret of {brand_id!r} is not {LEAST_BYTES} to {MOST_BYTES} bytes")
    return secret
