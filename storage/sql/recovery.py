"""Taking back rows whose worker is gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select, update

from server.domain.ids import new_id
from server.domain.lifecycle import MessageStatus
from storage.records import Attempt, Recovery
from storage.signals import messages as messages_topic
from storage.sql.connection import Connection
from storage.sql.counters import Changes, lock_sends
from storage.sql.settlements import insert_attempts
from storage.sql.tables import messages, sends

IN_DOUBT = "in_doubt"


async def recover(connection: Connection, now: datetime, *, everything: bool) -> Recovery:
    """See `Messages.recover`."""
    abandoned = messages.c.lease_expires_at.is_not(None) if everything else messages.c.lease_expires_at <= now
    await lock_sends(connection, sends.c.id.in_(select(messages.c.send_id).where(abandoned)))
    return Recovery(released=await _release(connection, abandoned), in_doubt=await _park(connection, abandoned, now))


async def _release(connection: Connection, abandoned: ColumnElement[bool]) -> int:
    statement = update(messages).where(abandoned, messages.c.status == MessageStatus.LEASED)
    rows = await connection.execute(statement.values(status=MessageStatus.PENDING, lease_expires_at=None).returning(messages.c.channel))
    for channel in {row.channel for row in rows.all}:
        connection.fire(messages_topic(channel))
    return len(rows.all)


async def _park(connection: Connection, abandoned: ColumnElement[bool], now: datetime) -> int:
    statement = update(messages).where(abandoned, messages.c.status == MessageStatus.SENDING)
    statement = statement.values(status=MessageStatus.UNKNOWN, failure_reason=IN_DOUBT, lease_expires_at=None)
    held = (messages.c.id, messages.c.send_id, messages.c.attempts, messages.c.lease, messages.c.provider, messages.c.sending_at)
    rows = (await connection.execute(statement.returning(*held))).all
    changes = Changes()
    for row in rows:
        changes.moved(row.send_id, MessageStatus.SENDING, MessageStatus.UNKNOWN)
    await changes.apply(connection, now)
    await insert_attempts(connection, (_attempt(row.id, row.attempts, row.lease, row.provider, row.sending_at, now) for row in rows))
    return len(rows)


def _attempt(message_id: str, number: int, lease: int, provider: str, started_at: datetime, now: datetime) -> Attempt:
    return Attempt(
        id=new_id(),
        message_id=message_id,
        number=number,
        lease=lease,
        provider=provider,
        started_at=started_at,
        finished_at=now,
        outcome="ambiguous",
        reason=IN_DOUBT,
        provider_message_id=None,
    )
