"""Expires messages that went stale while they waited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update

from storage.contract.signals import outcome
from storage.model.messages import MessageStatus
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.enrollments import lock_enrollments_by_id
from storage.sql.delivery.locks import lock_sends_of
from storage.sql.delivery.steps import ended, go_on
from storage.sql.delivery.transitions import expired
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.schema.messages import MAY_EXPIRE, messages

_CHANGED = tuple(
    messages.c[name]
    for name in ("id", "send_id", "status", "failure_reason", "enrollment_id", "step")
)


async def expire(connection: Connection, now: datetime, limit: int) -> int:
    """See `Messages.expire`."""
    dialect = connection.dialect
    stale = (
        select(messages.c.id, messages.c.enrollment_id)
        .where(MAY_EXPIRE, messages.c.expire_at <= now)
        .order_by(messages.c.expire_at)
        .limit(limit)
    )
    waiting = (await connection.execute(stale)).all
    found = sorted((row.id,) for row in waiting)
    if not found:
        return 0
    # Found without a lock, so that sends and enrollments are locked before their rows; some may
    # have been claimed or have ended meanwhile.
    await lock_sends_of(connection, (message_id for (message_id,) in found))
    await lock_enrollments_by_id(connection, (row.enrollment_id for row in waiting))
    rows = dialect.row_set("given", id=ColumnKind.TEXT)
    given = dialect.row_set_parameters(rows, found)
    statement = update(messages).where(
        messages.c.id == rows.c.id, messages.c.status == MessageStatus.PENDING
    )
    statement = statement.values(expired(now)).returning(*_CHANGED)
    over = (await connection.execute(statement, given)).all
    changes = Changes()
    for row in over:
        changes.moved(row.send_id, MessageStatus.PENDING, row.status)
        if row.send_id is None:
            connection.fire(outcome(row.id))
    await go_on(connection, map(ended, over), changes, now)
    await changes.apply(connection, now)
    return len(over)


async def next_expiry(connection: Connection) -> datetime | None:
    """See `Messages.next_expiry`."""
    row = (
        await connection.execute(
            select(func.min(messages.c.expire_at).label("earliest")).where(MAY_EXPIRE)
        )
    ).first
    return row.earliest if row else None
