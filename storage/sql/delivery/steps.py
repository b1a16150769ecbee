"""Goes on with enrollments: plans the message of a step in the transaction that ends the one before
it, and ends enrollments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Executable,
    Row,
    and_,
    func,
    select,
    update,
)

from storage.contract.signals import PROGRESS, SOON
from storage.contract.signals import messages as messages_topic
from storage.model.ids import new_id
from storage.model.messages import UNSTARTED, MessageStatus
from storage.model.programs import OWN_ADDRESS, STOPPING_REASONS, EnrollmentStatus
from storage.model.sends import SendStatus
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.enrollments import cancel_messages
from storage.sql.delivery.outcomes import tell_outcomes
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import dump_json
from storage.sql.schema.messages import messages
from storage.sql.schema.programs import ACTIVE, enrollments, program_steps
from storage.sql.schema.sends import sends

_OPEN = UNSTARTED | {MessageStatus.SENDING}
_MESSAGE = (
    *("id", "brand_id", "person_id", "channel", "template_key", "template_revision", "recipient"),
    *("send_id", "variables", "hipaa", "status", "scheduled_at", "due_at", "lease", "attempts"),
    *("created_at", "expire_at", "in_doubt", "enrollment_id", "step"),
)
_OF_ENROLLMENT = tuple(
    enrollments.c[name]
    for name in ("id", "brand_id", "person_id", "recipient", "recipient_channel", "send_id")
)
_OF_SEND = (sends.c.status.label("send_status"), sends.c.expire_at)
_NEXT = ("channel", "template_key", "template_revision", "delay_minutes", "variables")


class Ended(NamedTuple):
    """A message that has ended, as far as its enrollment goes by it."""

    enrollment_id: str
    step: int
    send_id: str | None
    reason: str | None = None
    """Of one that was skipped."""


def ended(row: Row[Any]) -> Ended | None:
    """What a row with `status`, `failure_reason`, `enrollment_id`, `step` and `send_id` says; None
    if it is of no enrollment or has not ended."""
    if row.enrollment_id is None or row.status in _OPEN:
        return None
    skipped = row.status is MessageStatus.SKIPPED
    reason = row.failure_reason if skipped else None
    return Ended(row.enrollment_id, row.step, row.send_id, reason)


async def go_on(
    connection: Connection, found: Iterable[Ended | None], changes: Changes, now: datetime
) -> None:
    """Plans what follows these messages, whose sends and enrollments are locked: the next step, or
    the end. `changes` is applied afterwards, so that no send is completed between two steps.

    Nothing follows one that is not of the current step of an active enrollment: what it leads to
    was planned when it ended before, or never will be.
    """
    ends = [each for each in found if each is not None]
    if not ends:
        return
    connection.fire(PROGRESS)
    rows, statement = _following(connection.dialect)
    given = connection.dialect.row_set_parameters(
        rows, [(each.enrollment_id, each.step, _stopping(each)) for each in ends]
    )
    following = sorted((await connection.execute(statement, given)).all, key=lambda row: row.id)
    if following:
        await _move(connection, following, now)
    stopped = [row.id for row in following if row.stopping is not None]
    if stopped:
        await cancel_messages(connection, stopped, changes, now)
    planned = [(row, _due(row, now)) for row in following if _runs(row)]
    await _insert(connection, planned, changes, now)
    over = {each.enrollment_id for each in ends if each.send_id is not None}
    await tell_outcomes(connection, over - {row.id for row, _ in planned}, changes)


def _stopping(each: Ended) -> str | None:
    return each.reason if each.reason in STOPPING_REASONS else None


def _runs(row: Row[Any]) -> bool:
    return row.stopping is None and row.position is not None and not _is_cancelled(row)


def _is_cancelled(row: Row[Any]) -> bool:
    return row.send_status is SendStatus.CANCELLED


@lru_cache
def _following(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    """Of each enrollment that goes on or ends: itself, and the step that is next, if there is
    one."""
    given = dialect.row_set(
        "given", id=ColumnKind.TEXT, step=ColumnKind.INTEGER, stopping=ColumnKind.TEXT
    )
    position = (
        select(func.min(program_steps.c.position))
        .where(
            program_steps.c.program_id == enrollments.c.program_id,
            program_steps.c.position > enrollments.c.current_step,
        )
        .correlate(enrollments)
        .scalar_subquery()
    )
    statement = (
        select(
            *_OF_ENROLLMENT,
            *_OF_SEND,
            given.c.step,
            given.c.stopping,
            program_steps.c.position,
            *(program_steps.c[name] for name in _NEXT),
        )
        .select_from(given.table)
        .join(
            enrollments,
            and_(enrollments.c.id == given.c.id, enrollments.c.current_step == given.c.step),
        )
        .outerjoin(
            program_steps,
            and_(
                program_steps.c.program_id == enrollments.c.program_id,
                program_steps.c.position == position,
            ),
        )
        .outerjoin(sends, sends.c.id == enrollments.c.send_id)
        .where(ACTIVE)
    )
    return given, statement


async def _move(connection: Connection, following: Sequence[Row[Any]], now: datetime) -> None:
    given = connection.dialect.row_set(
        "moved",
        id=ColumnKind.TEXT,
        status=ColumnKind.TEXT,
        reason=ColumnKind.TEXT,
        step=ColumnKind.INTEGER,
        at=ColumnKind.INSTANT,
        ended_at=ColumnKind.INSTANT,
    )
    statement = (
        update(enrollments)
        .where(enrollments.c.id == given.c.id)
        .values(
            status=given.c.status,
            reason=given.c.reason,
            current_step=given.c.step,
            next_step_at=given.c.at,
            ended_at=given.c.ended_at,
        )
    )
    moves = [_moved(row, now) for row in following]
    await connection.execute(statement, connection.dialect.row_set_parameters(given, moves))


def _moved(row: Row[Any], now: datetime) -> tuple[object, ...]:
    if _runs(row):
        return row.id, EnrollmentStatus.ACTIVE.value, None, row.position, _due(row, now), None
    status = EnrollmentStatus.COMPLETED
    if row.stopping is not None:
        status = EnrollmentStatus.STOPPED
    elif _is_cancelled(row):
        status = EnrollmentStatus.CANCELLED
    return row.id, status.value, row.stopping, row.step, None, now


def _due(row: Row[Any], now: datetime) -> datetime:
    return now + timedelta(minutes=row.delay_minutes)


async def plan_first(
    connection: Connection, enrollment_id: str, due_at: datetime, now: datetime
) -> None:
    """Adds the message of the current step of a new enrollment in a sequence."""
    statement = (
        select(
            *_OF_ENROLLMENT,
            *_OF_SEND,
            program_steps.c.position,
            *(program_steps.c[name] for name in _NEXT),
        )
        .join(
            program_steps,
            and_(
                program_steps.c.program_id == enrollments.c.program_id,
                program_steps.c.position == enrollments.c.current_step,
            ),
        )
        .outerjoin(sends, sends.c.id == enrollments.c.send_id)
        .where(enrollments.c.id == enrollment_id)
    )
    (row,) = (await connection.execute(statement)).all
    await _insert(connection, [(row, due_at)], Changes(), now)


async def _insert(
    connection: Connection,
    planned: Sequence[tuple[Row[Any], datetime]],
    changes: Changes,
    now: datetime,
) -> None:
    if not planned:
        return
    instant = connection.dialect.encode_instant
    rows = [
        (
            new_id(),
            row.brand_id,
            row.person_id,
            row.channel,
            row.template_key,
            row.template_revision,
            row.recipient if row.channel == row.recipient_channel else OWN_ADDRESS,
            row.send_id,
            dump_json(row.variables),
            False,
            MessageStatus.PENDING.value,
            instant(due_at),
            instant(due_at),
            0,
            0,
            instant(now),
            None if row.expire_at is None else instant(row.expire_at),
            False,
            row.id,
            row.position,
        )
        for row, due_at in planned
    ]
    await connection.insert_rows(messages, _MESSAGE, rows)
    for send_id, count in Counter(row.send_id for row, _ in planned).items():
        changes.added(send_id, MessageStatus.PENDING, count)
    for channel in {row.channel for row, due_at in planned if due_at - now <= SOON}:
        connection.fire(messages_topic(channel))
