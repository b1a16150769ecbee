"""Fingerprints requests, to tell the same one from another under one key."""

from __future__ import annotations

import hashlib
import json

# json.dumps would make one at every call.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(*parts: object) -> str:
    """A digest of JSON-like parts; equal parts give equal digests in every process and version."""
    return hashlib.sha256(_ENCODER.encode(parts).encode()).hexdigest()
