"""Deletes rows that ended long ago, in small batches that wait for nobody.

Rows that another transaction has locked are left for the next time. A send is locked before its
rows, and found completed under that lock: reopening it waits, and then finds that rows are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, tuple_, update

from storage.model.messages import MessageStatus
from storage.sql.connection import Connection
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.schema.campaigns import campaign_tests
from storage.sql.schema.email_events import email_events
from storage.sql.schema.idempotency import idempotency_keys
from storage.sql.schema.literal_contents import literal_contents
from storage.sql.schema.messages import attempts, messages
from storage.sql.schema.sends import sends

_ENDED = (
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.SKIPPED,
    MessageStatus.CANCELLED,
    MessageStatus.EXPIRED,
)


async def prune_messages(
    connection: Connection, before: datetime, after: str | None, limit: int
) -> tuple[int, str | None]:
    """See `Messages.prune`."""
    columns = (
        messages.c.id,
        messages.c.send_id,
        messages.c.status,
        messages.c.created_at,
        messages.c.due_at,
    )
    statement = select(*columns).order_by(messages.c.id).limit(limit)
    if after is not None:
        statement = statement.where(messages.c.id > after)
    looked_at = (await connection.execute(statement)).all
    old = [
        row
        for row in looked_at
        if row.status in _ENDED and row.created_at < before and row.due_at < before
    ]
    completed = await _lock_completed(
        connection, {row.send_id for row in old if row.send_id is not None}
    )
    gone = await _delete(
        connection, [row.id for row in old if row.send_id is None or row.send_id in completed]
    )
    await _mark_pruned(connection, {row.send_id for row in gone if row.send_id is not None})
    # Ids sort by creation: what follows a row that is too young is younger still.
    at_end = len(looked_at) < limit or looked_at[-1].created_at >= before
    return len(gone), None if at_end else looked_at[-1].id


async def _lock_completed(connection: Connection, send_ids: set[str]) -> set[str]:
    statement = select(sends.c.id).where(
        sends.c.id.in_(sorted(send_ids)), sends.c.completed_at.is_not(None)
    )
    locking = statement.with_for_update(skip_locked=True, key_share=True)
    return {row.id for row in (await connection.execute(locking)).all} if send_ids else set()


async def _delete(connection: Connection, message_ids: Sequence[str]) -> Sequence[Row[Any]]:
    given = connection.dialect.row_set("given", id=ColumnKind.TEXT)
    these = messages.c.id.in_(select(given.c.id))
    ended = (
        select(messages.c.id, messages.c.send_id)
        .where(these, messages.c.status.in_(_ENDED))
        .with_for_update(skip_locked=True)
    )
    parameters = connection.dialect.row_set_parameters(
        given, [(message_id,) for message_id in message_ids]
    )
    gone = (await connection.execute(ended, parameters)).all
    parameters = connection.dialect.row_set_parameters(given, [(row.id,) for row in gone])
    for of_messages in (attempts, campaign_tests, literal_contents):
        await connection.execute(
            delete(of_messages).where(of_messages.c.message_id.in_(select(given.c.id))), parameters
        )
    await connection.execute(delete(messages).where(these), parameters)
    return gone


async def _mark_pruned(connection: Connection, send_ids: set[str]) -> None:
    if send_ids:
        await connection.execute(
            update(sends)
            .where(sends.c.id.in_(sorted(send_ids)), ~sends.c.pruned)
            .values(pruned=True)
        )


async def prune_idempotency_keys(connection: Connection, before: datetime, limit: int) -> int:
    """See `Idempotency.prune`."""
    keys = idempotency_keys.c
    old = (
        select(keys.scope, keys.key)
        .where(keys.created_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    given = connection.dialect.row_set("given", scope=ColumnKind.TEXT, key=ColumnKind.TEXT)
    found = [(row.scope, row.key) for row in (await connection.execute(old)).all]
    statement = delete(idempotency_keys).where(
        tuple_(keys.scope, keys.key).in_(select(given.c.scope, given.c.key))
    )
    await connection.execute(statement, connection.dialect.row_set_parameters(given, found))
    return len(found)


async def prune_email_events(connection: Connection, before: datetime, limit: int) -> int:
    """See `EmailEvents.prune`."""
    events = email_events.c
    old = (
        select(events.brand_id, events.id)
        .where(events.received_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    given = connection.dialect.row_set("given", brand_id=ColumnKind.TEXT, id=ColumnKind.TEXT)
    found = [(row.brand_id, row.id) for row in (await connection.execute(old)).all]
    statement = delete(email_events).where(
        tuple_(events.brand_id, events.id).in_(select(given.c.brand_id, given.c.id))
    )
    await connection.execute(statement, connection.dialect.row_set_parameters(given, found))
    return len(found)
