"""Makes the ids of everything the service names itself: UUIDv7 (RFC 9562), so that ids sort by
creation and indexes grow at one end."""

from __future__ import annotations

from datetime import datetime

from uuid_utils import uuid7


def new_id() -> str:
    """A new id. Ids made by one process sort in the order they were made."""
    return str(uuid7())


def first_id_at(instant: datetime) -> str:
    """The lowest id that can be made at the instant, to the millisecond."""
    digits = f"{max(int(instant.timestamp() * 1000), 0):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"
