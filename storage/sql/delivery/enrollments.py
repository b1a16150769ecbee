"""Locks enrollments and ends them from outside, before their time.

Whoever changes messages of enrollments locks the enrollments first, after the sends: a step is
planned, or its message cancelled, by one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, literal, null, select, update

from storage.contract.signals import PROGRESS
from storage.model.messages import UNSTARTED, MessageStatus
from storage.model.programs import EnrollmentStatus
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.locks import lock_sends
from storage.sql.delivery.outcomes import tell_outcomes
from storage.sql.delivery.transitions import cancelled
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import Word
from storage.sql.schema.messages import messages
from storage.sql.schema.programs import ACTIVE, enrollments
from storage.sql.schema.sends import sends


async def end(
    connection: Connection,
    which: ColumnElement[bool],
    status: EnrollmentStatus,
    reason: str | None,
    now: datetime,
) -> int:
    """Ends those active enrollments with their messages that have not started. Returns how many."""
    await _lock_sends_of(connection, which)
    await lock_enrollments(connection, and_(which, ACTIVE))
    statement = (
        update(enrollments)
        .where(which, ACTIVE)
        .values(
            status=literal(status, Word(EnrollmentStatus)),
            reason=reason,
            next_step_at=null(),
            ended_at=now,
        )
    )
    statement = statement.returning(enrollments.c.id, enrollments.c.send_id)
    over = (await connection.execute(statement)).all
    if over:
        changes = Changes()
        await cancel_messages(connection, [row.id for row in over], changes, now)
        of_sends = [row.id for row in over if row.send_id is not None]
        await tell_outcomes(connection, of_sends, changes)
        await changes.apply(connection, now)
    return len(over)


async def _lock_sends_of(connection: Connection, which: ColumnElement[bool]) -> None:
    of_sends = select(enrollments.c.send_id).where(
        which, ACTIVE, enrollments.c.send_id.is_not(None)
    )
    await lock_sends(connection, sends.c.id.in_(of_sends))


async def cancel_messages(
    connection: Connection, enrollment_ids: Iterable[str], changes: Changes, now: datetime
) -> None:
    """Cancels the messages of these enrollments, which are locked, that no provider is being called
    for."""
    rows, statement = _cancelling(connection.dialect)
    given = connection.dialect.row_set_parameters(rows, [(each,) for each in enrollment_ids])
    statement = statement.values(cancelled(now)).returning(messages.c.send_id, messages.c.status)
    for row in (await connection.execute(statement, given)).all:
        changes.moved(row.send_id, MessageStatus.PENDING, row.status)
    connection.fire(PROGRESS)


@lru_cache
def _cancelling(dialect: SqlDialect) -> tuple[RowSet, Any]:
    given = dialect.row_set("over", id=ColumnKind.TEXT)
    return given, update(messages).where(
        messages.c.enrollment_id == given.c.id,
        messages.c.enrollment_id.is_not(None),
        messages.c.status.in_(UNSTARTED),
    )


async def lock_enrollments(connection: Connection, which: ColumnElement[bool]) -> None:
    """Locks enrollments in one order, unless nobody else writes anyway."""
    if not connection.dialect.single_writer:
        await connection.execute(
            select(enrollments.c.id)
            .where(which)
            .order_by(enrollments.c.id)
            .with_for_update(key_share=True)
        )


async def lock_enrollments_by_id(
    connection: Connection, enrollment_ids: Iterable[str | None]
) -> None:
    """The same of those with these ids; costs nothing where there are none."""
    ids = {each for each in enrollment_ids if each is not None}
    if not ids or connection.dialect.single_writer:
        return
    rows, statement = _locking(connection.dialect)
    given = connection.dialect.row_set_parameters(rows, [(each,) for each in ids])
    await connection.execute(statement, given)


@lru_cache
def _locking(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    given = dialect.row_set("locked", id=ColumnKind.TEXT)
    statement = select(enrollments.c.id).where(enrollments.c.id.in_(select(given.c.id)))
    return given, statement.order_by(enrollments.c.id).with_for_update(
        of=enrollments, key_share=True
    )
