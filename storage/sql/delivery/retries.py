"""Chooses which messages of an ended send its child takes over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, literal, select, update

from storage.model.messages import Message, MessageStatus
from storage.sql.connection import Connection, read_record
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.locks import lock_sends
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.dialects.types import Word
from storage.sql.schema.messages import MESSAGE, messages
from storage.sql.schema.sends import sends

RETRIED = "retried"


async def mark_retried(
    connection: Connection,
    parent_send_id: str,
    child_send_id: str,
    unknown: bool,
    after: str | None,
    limit: int,
    now: datetime,
) -> list[Message]:
    """See `Sends.mark_retried`."""
    # Who changes rows of a send locks it first: two that retry it take no row twice.
    await lock_sends(connection, sends.c.id == parent_send_id)
    statement = (
        select(*MESSAGE)
        .where(_retryable(parent_send_id, unknown=unknown))
        .order_by(messages.c.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(messages.c.id > after)
    found = [read_record(Message, row) for row in (await connection.execute(statement)).all]
    await _mark(connection, found, child_send_id)
    changes = Changes()
    for message in found:
        changes.moved(parent_send_id, message.status, MessageStatus.FAILED)
    await changes.apply(connection, now)
    return found


async def count_retryable(connection: Connection, send_id: str, *, unknown: bool) -> int:
    """See `Sends.count_retryable`."""
    return len(
        (
            await connection.execute(
                select(messages.c.id).where(_retryable(send_id, unknown=unknown)).limit(1)
            )
        ).all
    )


def _retryable(send_id: str, *, unknown: bool) -> ColumnElement[bool]:
    statuses = (MessageStatus.FAILED, MessageStatus.UNKNOWN) if unknown else (MessageStatus.FAILED,)
    return and_(
        messages.c.send_id == send_id,
        messages.c.status.in_(statuses),
        messages.c.retried_in.is_(None),
    )


async def _mark(connection: Connection, found: list[Message], child_send_id: str) -> None:
    given = connection.dialect.row_set("given", id=ColumnKind.TEXT)
    in_doubt = messages.c.status == MessageStatus.UNKNOWN
    statement = (
        update(messages)
        .where(messages.c.id.in_(select(given.c.id)))
        .values(
            retried_in=child_send_id,
            status=case(
                (in_doubt, literal(MessageStatus.FAILED, Word(MessageStatus))),
                else_=messages.c.status,
            ),
            failure_reason=case((in_doubt, RETRIED), else_=messages.c.failure_reason),
        )
    )
    await connection.execute(
        statement,
        connection.dialect.row_set_parameters(given, [(message.id,) for message in found]),
    )
