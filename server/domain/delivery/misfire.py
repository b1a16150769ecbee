"""Judges misfires: what comes due while nobody is there to start it, as in an outage, and is found
late."""

from __future__ import annotations

from datetime import datetime, timedelta

from storage.model.brands import MisfirePolicy

GRACE = timedelta(minutes=1)
"""How late `skip` still allows: a restart takes seconds and is no misfire."""


def is_too_late(
    policy: MisfirePolicy, misfire_seconds: int, due_at: datetime, now: datetime
) -> bool:
    """Whether what was due at `due_at` and is found at `now` must not go out. `misfire_seconds` is
    read for `expire_after` alone."""
    match policy:
        case MisfirePolicy.SEND_NOW:
            return False
        case MisfirePolicy.SKIP:
            return now - due_at > GRACE
        case MisfirePolicy.EXPIRE_AFTER:
            return now - due_at > timedelta(seconds=misfire_seconds)
