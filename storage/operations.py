"""What operators decide, and what the replicas of a service share: policies, the audit log, rate
limits, and the hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A tenant; never deleted."""

    id: str
    name: str
    created_by: str
    created_at: datetime
    updated_at: datetime
