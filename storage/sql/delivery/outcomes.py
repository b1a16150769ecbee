"""Tells what became of recipients who are enrolled: of each by all of their messages, in the
transaction that changes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Row, case, func, select, update

from storage.model.messages import UNSTARTED, MessageStatus
from storage.model.programs import EnrollmentStatus, RecipientOutcome
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.schema.messages import messages
from storage.sql.schema.programs import enrollments

_OPEN = UNSTARTED | {MessageStatus.SENDING}
_FAILED = (MessageStatus.FAILED, MessageStatus.UNKNOWN)


async def tell_outcomes(
    connection: Connection, enrollment_ids: Collection[str], changes: Changes
) -> None:
    """Writes what has become of these enrollments of sends, which are locked, and counts those of
    whom it is something else than before."""
    if not enrollment_ids:
        return
    rows, statement = _taken_together(connection.dialect)
    given = connection.dialect.row_set_parameters(rows, [(each,) for each in enrollment_ids])
    found = (await connection.execute(statement, given)).all
    changed = [(row, after) for row in found if (after := _outcome(row)) is not row.outcome]
    if not changed:
        return
    for (send_id, before, after), count in Counter(
        (row.send_id, row.outcome, after) for row, after in changed
    ).items():
        changes.recipients_moved(send_id, before, after, count)
    rows, write = _write(connection.dialect)
    given = connection.dialect.row_set_parameters(
        rows, [(row.id, after.value) for row, after in changed]
    )
    await connection.execute(write, given)


def _outcome(row: Row[Any]) -> RecipientOutcome:
    if row.status is EnrollmentStatus.ACTIVE or row.open:
        return RecipientOutcome.PENDING
    if row.failed:
        return RecipientOutcome.FAILED
    return RecipientOutcome.SENT if row.sent else RecipientOutcome.SKIPPED


@lru_cache
def _taken_together(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    given = dialect.row_set("told", id=ColumnKind.TEXT)
    of_enrollment = (enrollments.c.id, enrollments.c.send_id, enrollments.c.status)
    statement = (
        select(
            *of_enrollment,
            enrollments.c.outcome,
            _count(*_OPEN).label("open"),
            _count(*_FAILED).label("failed"),
            _count(MessageStatus.SENT).label("sent"),
        )
        .select_from(given.table)
        .join(enrollments, enrollments.c.id == given.c.id)
        .join(messages, messages.c.enrollment_id == enrollments.c.id)
        .where(enrollments.c.send_id.is_not(None), messages.c.enrollment_id.is_not(None))
        .group_by(*of_enrollment, enrollments.c.outcome)
    )
    return given, statement


def _count(*statuses: MessageStatus) -> Any:
    return func.sum(case((messages.c.status.in_(statuses), 1), else_=0))


@lru_cache
def _write(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    given = dialect.row_set("written", id=ColumnKind.TEXT, outcome=ColumnKind.TEXT)
    statement = update(enrollments).where(enrollments.c.id == given.c.id)
    return given, statement.values(outcome=given.c.outcome)
