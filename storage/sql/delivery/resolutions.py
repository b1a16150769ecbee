"""Lists messages of unknown outcome, and resolves them as an operator decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, func, or_, select, update

from storage.contract.signals import messages as messages_topic
from storage.model.messages import Attempt, Message, MessageStatus, Resolution, UnknownMessage
from storage.model.sends import SendStatus
from storage.sql.connection import Connection, read_record
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.enrollments import lock_enrollments_by_id
from storage.sql.delivery.locks import lock_sends
from storage.sql.delivery.outcomes import tell_outcomes
from storage.sql.delivery.steps import ended, go_on
from storage.sql.delivery.transitions import ENROLLMENT_IS_OVER
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.schema.messages import MESSAGE, UNKNOWN, attempts, messages
from storage.sql.schema.sends import sends

RESOLVED_FAILED = "resolved_failed"


async def list_unknown(
    connection: Connection, brand_id: str, send_id: str | None, after: str | None, limit: int
) -> list[UnknownMessage]:
    """See `Messages.list_unknown`."""
    statement = select(*MESSAGE).where(UNKNOWN, messages.c.brand_id == brand_id)
    if send_id is not None:
        # Rows in doubt are few and those of a send are many: an expression keeps the index of sends
        # out of it.
        statement = statement.where(messages.c.send_id.concat("") == send_id)
    if after is not None:
        statement = statement.where(messages.c.id < after)
    rows = (await connection.execute(statement.order_by(messages.c.id.desc()).limit(limit))).all
    found = [read_record(Message, row) for row in rows]
    last = await _last_attempts(connection, found)
    return [UnknownMessage(message, last.get(message.id)) for message in found]


async def _last_attempts(connection: Connection, of: Sequence[Message]) -> dict[str, Attempt]:
    given = connection.dialect.row_set("given", id=ColumnKind.TEXT)
    last = (
        select(func.max(attempts.c.id))
        .where(attempts.c.message_id.in_(select(given.c.id)))
        .group_by(attempts.c.message_id)
    )
    parameters = connection.dialect.row_set_parameters(given, [(message.id,) for message in of])
    rows = await connection.execute(select(attempts).where(attempts.c.id.in_(last)), parameters)
    return {row.message_id: read_record(Attempt, row) for row in rows.all}


async def resolve_unknown(
    connection: Connection,
    brand_id: str,
    message_ids: Sequence[str],
    resolution: Resolution,
    now: datetime,
) -> list[Message]:
    """See `Messages.resolve_unknown`."""
    found = await _lock_unknown(connection, brand_id, message_ids, resolution, now)
    if not found:
        return []
    if resolution is Resolution.RESEND:
        await _reopen(
            connection, {message.send_id for message in found if message.send_id is not None}
        )
    changes = Changes()
    changed = await _change(connection, found, resolution, now)
    for row in changed:
        changes.moved(row.send_id, MessageStatus.UNKNOWN, row.status)
        if row.status is MessageStatus.PENDING:
            connection.fire(messages_topic(row.channel))
    await go_on(connection, map(ended, changed), changes, now)
    await tell_outcomes(connection, _resent_of_sends(changed), changes)
    await changes.apply(connection, now)
    return found


def _resent_of_sends(changed: Sequence[Row[Any]]) -> set[str]:
    """The enrollments of rows that wait again."""
    return {
        row.enrollment_id
        for row in changed
        if row.status is MessageStatus.PENDING and row.enrollment_id and row.send_id
    }


async def _lock_unknown(
    connection: Connection,
    brand_id: str,
    message_ids: Sequence[str],
    resolution: Resolution,
    now: datetime,
) -> list[Message]:
    given = connection.dialect.row_set("given", id=ColumnKind.TEXT)
    parameters = connection.dialect.row_set_parameters(
        given, [(message_id,) for message_id in message_ids]
    )
    these = messages.c.id.in_(select(given.c.id))
    await lock_sends(
        connection,
        sends.c.id.in_(select(messages.c.send_id).where(these)),
        sends.c.brand_id == brand_id,
        parameters=parameters,
    )
    enrolled = select(messages.c.enrollment_id).where(these)
    await lock_enrollments_by_id(
        connection,
        [row.enrollment_id for row in (await connection.execute(enrolled, parameters)).all],
    )
    statement = select(*MESSAGE).where(
        these, messages.c.brand_id == brand_id, messages.c.status == MessageStatus.UNKNOWN
    )
    if resolution is Resolution.RESEND:
        ours = exists().where(
            sends.c.id == messages.c.send_id,
            sends.c.status != SendStatus.CANCELLED,
            ~sends.c.pruned,
        )
        statement = statement.where(or_(messages.c.expire_at.is_(None), messages.c.expire_at > now))
        statement = statement.where(or_(messages.c.send_id.is_(None), ours), ~ENROLLMENT_IS_OVER)
    locking = statement.order_by(messages.c.id).with_for_update(of=messages, key_share=True)
    return [
        read_record(Message, row) for row in (await connection.execute(locking, parameters)).all
    ]


async def _reopen(connection: Connection, send_ids: set[str]) -> None:
    """Its campaign stays as it is: sent, and completing again changes only a campaign that is
    sending."""
    completed = update(sends).where(
        sends.c.id.in_(sorted(send_ids)), sends.c.status == SendStatus.COMPLETED
    )
    await connection.execute(completed.values(status=SendStatus.SENDING, completed_at=None))


async def _change(
    connection: Connection, found: Sequence[Message], resolution: Resolution, now: datetime
) -> Sequence[Row[Any]]:
    given = connection.dialect.row_set("given", id=ColumnKind.TEXT)
    fenced = update(messages).where(
        messages.c.id.in_(select(given.c.id)), messages.c.status == MessageStatus.UNKNOWN
    )
    names = ("send_id", "status", "channel", "failure_reason", "enrollment_id", "step")
    statement = fenced.values(_values(resolution, now)).returning(
        *(messages.c[name] for name in names)
    )
    parameters = connection.dialect.row_set_parameters(given, [(message.id,) for message in found])
    return (await connection.execute(statement, parameters)).all


def _values(resolution: Resolution, now: datetime) -> dict[str, object]:
    match resolution:
        case Resolution.SENT:
            return {"status": MessageStatus.SENT, "sent_at": now, "failure_reason": None}
        case Resolution.FAILED:
            return {"status": MessageStatus.FAILED, "failure_reason": RESOLVED_FAILED}
        case Resolution.RESEND:
            again = {
                "status": MessageStatus.PENDING,
                "due_at": now,
                "in_doubt": True,
                "failure_reason": None,
            }
            # What a provider knows of the earlier calls counts no more: whoever decided this
            # accepts a second delivery.
            return {**again, "first_sending_at": None}
