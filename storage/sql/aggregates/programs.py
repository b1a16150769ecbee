"""Statements about sequences and enrollments."""

from __future__ import annotations

from collections.abc import Sequence as Many
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Text,
    delete,
    exists,
    insert,
    select,
    text,
    type_coerce,
)

from storage.model.messages import MessageStatus
from storage.model.programs import (
    Enrollment,
    EnrollmentFilter,
    EnrollmentStatus,
    Sequence,
)
from storage.sql.aggregates.program_steps import insert_steps, read_steps
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.delivery.audience_insert import insert_enrollments
from storage.sql.delivery.enrollments import end
from storage.sql.delivery.steps import plan_first
from storage.sql.dialects.dialect import ColumnKind, SqlDialect
from storage.sql.schema.messages import messages
from storage.sql.schema.programs import ACTIVE, OVER, enrollments, sequences


class SqlSequences:
    """See `storage.contract.programs.Sequences`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, sequence: Sequence) -> None:
        values = record_values(sequence)
        of_steps = values.pop("steps")
        await self._connection.execute(insert(sequences), values)
        await insert_steps(self._connection, sequence.id, of_steps)

    async def find(self, sequence_id: str) -> Sequence | None:
        found = await self._read(select(sequences).where(sequences.c.id == sequence_id))
        return found[0] if found else None

    async def list_page(self, brand_id: str, after: str | None, limit: int) -> list[Sequence]:
        statement = select(sequences).where(sequences.c.brand_id == brand_id)
        if after is not None:
            statement = statement.where(sequences.c.id < after)
        return await self._read(statement.order_by(sequences.c.id.desc()).limit(limit))

    async def _read(self, statement: Executable) -> list[Sequence]:
        found = (await self._connection.execute(statement)).all
        steps = await read_steps(self._connection, [row.id for row in found])
        return [Sequence(**row._mapping, steps=steps[row.id]) for row in found]


class SqlEnrollments:
    """See `storage.contract.programs.Enrollments`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, enrollment: Enrollment) -> bool:
        assert enrollment.next_step_at is not None, "it is active"
        added = await self._connection.execute(
            _insert_unless_active(self._connection.dialect), record_values(enrollment)
        )
        if not added.count:
            return False
        await plan_first(
            self._connection, enrollment.id, enrollment.next_step_at, enrollment.enrolled_at
        )
        return True

    async def insert_many(self, enrollments: Many[Enrollment]) -> None:
        await insert_enrollments(self._connection, enrollments)

    async def find(self, enrollment_id: str) -> Enrollment | None:
        statement = select(enrollments).where(enrollments.c.id == enrollment_id)
        row = (await self._connection.execute(statement)).first
        return read_record(Enrollment, row) if row else None

    async def find_active(
        self, program_id: str, person_id: str, recipient: str
    ) -> Enrollment | None:
        statement = select(enrollments).where(
            ACTIVE,
            enrollments.c.program_id == program_id,
            enrollments.c.person_id == person_id,
            enrollments.c.recipient == recipient,
        )
        row = (await self._connection.execute(statement)).first
        return read_record(Enrollment, row) if row else None

    async def list_page(
        self, brand_id: str, where: EnrollmentFilter, after: str | None, limit: int
    ) -> list[Enrollment]:
        found = [
            row
            for part in _parts(brand_id, where)
            for row in (await self._connection.execute(_page(part, after, limit))).all
        ]
        found.sort(key=lambda row: row.id, reverse=True)
        # Those of a program are of one brand: asked for both, a database might walk all of it.
        return [read_record(Enrollment, row) for row in found[:limit] if row.brand_id == brand_id]

    async def cancel(self, enrollment_id: str, now: datetime) -> bool:
        which = enrollments.c.id == enrollment_id
        status = EnrollmentStatus.CANCELLED
        return await end(self._connection, which, status, None, now) > 0

    async def stop_person(self, brand_id: str, person_id: str, reason: str, now: datetime) -> int:
        which = (enrollments.c.brand_id == brand_id) & (enrollments.c.person_id == person_id)
        status = EnrollmentStatus.STOPPED
        return await end(self._connection, which, status, reason, now)

    async def is_in_flight(self, enrollment_id: str) -> bool:
        statement = select(messages.c.id).where(
            messages.c.enrollment_id == enrollment_id,
            messages.c.enrollment_id.is_not(None),
            messages.c.status == MessageStatus.SENDING,
        )
        return (await self._connection.execute(statement.limit(1))).first is not None

    async def prune(self, before: datetime, limit: int) -> int:
        old = (
            select(enrollments.c.id)
            .where(OVER, enrollments.c.ended_at < before)
            # Its messages go first, and those of unknown outcome stay.
            .where(~exists().where(messages.c.enrollment_id == enrollments.c.id))
            .order_by(enrollments.c.ended_at)
            .limit(limit)
            .with_for_update(of=enrollments, skip_locked=True)
        )
        found = [(row.id,) for row in (await self._connection.execute(old)).all]
        given = self._connection.dialect.row_set("given", id=ColumnKind.TEXT)
        statement = delete(enrollments).where(enrollments.c.id.in_(select(given.c.id)))
        parameters = self._connection.dialect.row_set_parameters(given, found)
        await self._connection.execute(statement, parameters)
        return len(found)


def _parts(brand_id: str, where: EnrollmentFilter) -> list[list[ColumnElement[bool]]]:
    """Conditions that an index serves in the order of ids, in parts that no row is in two of. What
    stands beside the index is an expression, which none serves."""
    statuses = list(EnrollmentStatus) if where.status is None else [where.status]
    if where.person_id is None:
        of_program = enrollments.c.program_id == where.program_id
        return [[of_program, enrollments.c.status == status] for status in statuses]
    part = [enrollments.c.brand_id == brand_id, enrollments.c.person_id == where.person_id]
    if where.program_id is not None:
        part.append(enrollments.c.program_id.concat("") == where.program_id)
    if where.status is not None:
        part.append(type_coerce(enrollments.c.status, Text()).concat("") == str(where.status))
    return [part]


def _page(part: list[ColumnElement[bool]], after: str | None, limit: int) -> Select[Any]:
    statement = select(enrollments).where(*part, enrollments.c.send_id.is_(None))
    if after is not None:
        statement = statement.where(enrollments.c.id < after)
    return statement.order_by(enrollments.c.id.desc()).limit(limit)


@lru_cache
def _insert_unless_active(dialect: SqlDialect) -> Executable:
    statement: Executable = dialect.insert(enrollments).on_conflict_do_nothing(
        index_elements=["program_id", "person_id", "recipient"],
        index_where=text("status = 'active' AND send_id IS NULL"),
    )
    return statement
