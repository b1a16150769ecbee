"""Writes the audit log of what a brand's policy decides: messages of unknown outcome that go out
again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from storage.model.audit import AuditAction, AuditEntry
from storage.model.brands import UnknownPolicy
from storage.model.messages import Resolution
from storage.model.values import JsonObject
from storage.sql.audit import SqlAudit
from storage.sql.connection import Connection


async def note_resends(connection: Connection, rows: Iterable[Row[Any]], now: datetime) -> None:
    """Adds an entry for each message that its brand has resent; rows have `id`, `brand_id` and
    `send_id`."""
    await SqlAudit(connection).append(
        [_entry(row.id, row.brand_id, row.send_id, now) for row in rows]
    )


def _entry(message_id: str, brand_id: str, send_id: str | None, now: datetime) -> AuditEntry:
    details: JsonObject = {
        "resolution": Resolution.RESEND.value,
        "unknown_policy": UnknownPolicy.RESEND.value,
    }
    if send_id is not None:
        details["send_id"] = send_id
    return AuditEntry.own(brand_id, AuditAction.MESSAGE_RESOLVED, message_id, details, now)
