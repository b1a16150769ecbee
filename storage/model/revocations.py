"""Tokens of the installation that are not taken any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """The end of a token before its time. Never changed, nor taken back."""

    token_id: str
    """Its `jti`."""
    revoked_at: datetime
