"""The hold on delivery of a restored database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Whether delivery is held because the database was put back to an earlier state."""

    held_at: datetime | None = None
    """None: not held."""
    reason: str | None = None
    released_at: datetime | None = None
    released_by: str | None = None
