"""Statements about the steps of programs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from storage.model.programs import Step
from storage.sql.connection import Connection, record_values
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.schema.programs import STEP, program_steps


class SqlSteps:
    """See `storage.contract.programs.Steps`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, program_id: str, step: Step) -> None:
        await insert_steps(self._connection, program_id, [step])

    async def list_of(self, program_id: str) -> tuple[Step, ...]:
        return (await read_steps(self._connection, [program_id]))[program_id]

    async def replace(self, step: Step) -> None:
        statement = update(program_steps).where(program_steps.c.id == step.id)
        await self._connection.execute(statement.values(record_values(step)))

    async def delete(self, step_id: str) -> None:
        await self._connection.execute(delete(program_steps).where(program_steps.c.id == step_id))


async def insert_steps(connection: Connection, program_id: str, steps: Sequence[Step]) -> None:
    """Adds steps to a program."""
    rows = [record_values(step) | {"program_id": program_id} for step in steps]
    if rows:
        await connection.execute(insert(program_steps), rows)


async def read_steps(
    connection: Connection, program_ids: Sequence[str]
) -> dict[str, tuple[Step, ...]]:
    """The steps of each of the programs, by position."""
    given = connection.dialect.row_set("programs", id=ColumnKind.TEXT)
    rows = await connection.execute(
        select(program_steps.c.program_id, *STEP)
        .where(program_steps.c.program_id.in_(select(given.c.id)))
        .order_by(program_steps.c.program_id, program_steps.c.position),
        connection.dialect.row_set_parameters(given, [(each,) for each in program_ids]),
    )
    found: dict[str, list[Step]] = {each: [] for each in program_ids}
    for row in rows.all:
        values = dict(row._mapping)
        found[values.pop("program_id")].append(Step(**values))
    return {program_id: tuple(steps) for program_id, steps in found.items()}
