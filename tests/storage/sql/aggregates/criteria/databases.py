"""Criteria asked of people in both databases, and of the reference."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from storage.model.criteria import Criteria
from storage.model.people import Person
from storage.sql.aggregates.criteria import matches
from storage.sql.connection import Connection, record_values
from storage.sql.postgres import engine as engine_postgres
from storage.sql.schema.people import people
from storage.sql.schema.tables import metadata
from storage.sql.sqlite import engine as engine_sqlite
from tests.support.criteria_reference import matches_person

Answers = list[list[Any]]
"""What each person, in order, is told by each of the criteria, in order."""


def reference(crowd: Sequence[Person], criteria: Sequence[Criteria], now: datetime) -> Answers:
    return [[matches_person(each, person, now) for each in criteria] for person in crowd]


class Database:
    """One of them, with an empty table of people. Everything asked is rolled back."""

    def __init__(self, connection: Connection, run: Callable[[str], Awaitable[object]]) -> None:
        self._connection = connection
        self._run = run

    async def ask(
        self, crowd: Sequence[Person], criteria: Sequence[Criteria], now: datetime
    ) -> Answers:
        await self._run("BEGIN")
        try:
            await self._connection.execute(
                insert(people), [record_values(person) for person in crowd]
            )
            answers = (
                matches(each, now, self._connection.dialect).label(f"answer_{index}")
                for index, each in enumerate(criteria)
            )
            rows = (await self._connection.execute(select(people.c.person_id, *answers))).all
        finally:
            await self._run("ROLLBACK")
        by_person = {row[0]: _booleans(row[1:]) for row in rows}
        return [by_person[person.person_id] for person in crowd]


@contextmanager
def sqlite_database(file: Path) -> Iterator[Database]:
    engine = engine_sqlite.make_engine(file, read_only=False)
    metadata.create_all(engine, tables=[people])
    with engine.connect() as connection:

        async def run(statement: str) -> None:
            connection.exec_driver_sql(statement)

        yield Database(engine_sqlite.SqliteConnection(connection), run)


@asynccontextmanager
async def postgres_database(url: str) -> AsyncIterator[Database]:
    engine = engine_postgres.make_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(lambda each: metadata.create_all(each, tables=[people]))
        driver = (await connection.get_raw_connection()).driver_connection
        yield Database(
            engine_postgres.PostgresConnection(connection, driver), connection.exec_driver_sql
        )
    await engine.dispose()


def _booleans(answers: Sequence[Any]) -> list[bool | None]:
    """Where SQLAlchemy does not know that an expression is a boolean, SQLite says 0 or 1; NULL
    would be neither."""
    return [None if answer is None else bool(answer) for answer in answers]
