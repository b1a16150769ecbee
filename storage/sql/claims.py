"""How the dispatcher takes messages: claim (lease) and mark (about to call the provider)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Executable, bindparam, select, update

from server.domain.lifecycle import MessageStatus
from storage.records import Mark, Message
from storage.sql.connection import Connection, read_record
from storage.sql.counters import Changes, lock_sends
from storage.sql.dialects import Kind, RowSet, SqlDialect
from storage.sql.tables import MESSAGE, PENDING, messages, sends
from storage.sql.types import Instant

# MATERIALIZED: folded into the UPDATE, the LIMIT could be evaluated more than once and lease more rows than asked for.
_due = (
    select(messages.c.id)
    .where(PENDING, messages.c.channel == bindparam("on_channel"), messages.c.due_at <= bindparam("now", type_=Instant()))
    .order_by(messages.c.due_at, messages.c.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
    .prefix_with("MATERIALIZED")
)
_CLAIM = (
    update(messages)
    .where(messages.c.id == _due.c.id)
    .values(status=MessageStatus.LEASED, lease=messages.c.lease + 1, lease_expires_at=bindparam("lease_until", type_=Instant()))
    .returning(*MESSAGE)
)


async def claim_due(connection: Connection, channel: str, now: datetime, lease_until: datetime, limit: int) -> list[Message]:
    """See `Messages.claim_due`."""
    rows = await connection.execute(_CLAIM, {"on_channel": channel, "now": now, "lease_until": lease_until, "at_most": limit})
    return sorted((read_record(Message, row) for row in rows.all), key=lambda message: (message.due_at, message.id))


async def mark_sending(connection: Connection, marks: Sequence[Mark], provider: str, now: datetime, lease_until: datetime) -> set[str]:
    """See `Messages.mark_sending`."""
    dialect = connection.dialect
    rows_given, statement = _mark(dialect)
    # In the order of ids, so that two batches with the same rows wait for each other rather than deadlock.
    in_order = sorted((mark.message_id, mark.lease) for mark in marks)
    given = dialect.row_set_parameters(rows_given, in_order)
    await lock_sends_of(connection, rows_given, given)
    marked = await connection.execute(statement, {**given, "by_provider": provider, "now": now, "lease_until": lease_until})
    changes = Changes()
    for row in marked.all:
        changes.moved(row.send_id, MessageStatus.LEASED, MessageStatus.SENDING)
    await changes.apply(connection, now)
    return {row.id for row in marked.all}


async def lock_sends_of(connection: Connection, rows: RowSet, given: dict[str, object]) -> None:
    """Locks the sends of the messages in a row set with a column `id`."""
    of_messages = select(messages.c.send_id).where(messages.c.id.in_(select(rows.c.id)))
    await lock_sends(connection, sends.c.id.in_(of_messages), parameters=given)


@lru_cache
def _mark(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    given = dialect.row_set("given", id=Kind.TEXT, lease=Kind.INTEGER)
    statement = (
        update(messages)
        .where(messages.c.id == given.c.id, messages.c.lease == given.c.lease, messages.c.status == MessageStatus.LEASED)
        .values(
            status=MessageStatus.SENDING,
            attempts=messages.c.attempts + 1,
            provider=bindparam("by_provider"),
            sending_at=bindparam("now", type_=Instant()),
            lease_expires_at=bindparam("lease_until", type_=Instant()),
        )
    )
    return given, statement.returning(messages.c.id, messages.c.send_id)
