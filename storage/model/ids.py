"""Makes the ids of everything the service names itself: UUIDv7 (RFC 9562), so that ids sort by
creation and indexes grow at one end."""

from __future__ import annotations

from uuid_utils import uuid7


def new_id() -> str:
    """A new id. Ids made by one process sort in the order they were made."""
    return str(uuid7())
