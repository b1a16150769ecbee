"""Fingerprints requests, to tell the same one from another under one key."""

from __future__ import annotations

import hashlib

from storage.model.json_text import json_writer

_write = json_writer(sort_keys=True)


def fingerprint(*parts: object) -> str:
    """A digest of JSON-like parts; equal parts give equal digests in every process and version."""
    return hashlib.sha256(_write(parts).encode()).hexdigest()
