"""One meaning in three places: the reference in Python, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.domain.criteria import Criteria, matches_person, parse_criteria
from storage.records import Person
from storage.sql import engine_postgres, engine_sqlite
from storage.sql.connection import Connection, record_values
from storage.sql.criteria import matches
from storage.sql.tables import metadata, people
from tests import criteria_grammar
from tests.criteria_grammar import NOW

PEOPLE = 8
Answers = list[list[bool | None]]


class Databases:
    """Both of them, each with an empty table of people."""

    def __init__(self, sqlite: Connection, postgres: Connection, driver: AsyncConnection) -> None:
        self.sqlite = sqlite
        self.postgres = postgres
        self._driver = driver

    async def ask(self, connection: Connection, crowd: list[Person], criteria: list[Criteria]) -> Answers:
        """What each of the criteria says of each person."""
        await self._run(connection, "BEGIN")
        try:
            await connection.execute(insert(people), [record_values(person) for person in crowd])
            answers = (matches(each, NOW, connection.dialect).label(f"answer_{index}") for index, each in enumerate(criteria))
            rows = (await connection.execute(select(people.c.person_id, *answers))).all
        finally:
            await self._run(connection, "ROLLBACK")
        by_person = {row[0]: [None if answer is None else bool(answer) for answer in row[1:]] for row in rows}
        return [by_person[person.person_id] for person in crowd]

    async def _run(self, connection: Connection, statement: str) -> None:
        if connection is self.postgres:
            await self._driver.exec_driver_sql(statement)
        else:
            self.sqlite._connection.exec_driver_sql(statement)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
async def databases(tmp_path_factory: pytest.TempPathFactory, new_postgres_database: Callable[[], str]) -> AsyncIterator[Databases]:
    file: Path = tmp_path_factory.mktemp("criteria") / "carillon.db"
    sqlite, postgres = engine_sqlite.make_engine(file, read_only=False), engine_postgres.make_engine(new_postgres_database())
    metadata.create_all(sqlite, tables=[people])
    async with postgres.connect() as driver:
        await driver.run_sync(lambda connection: metadata.create_all(connection, tables=[people]))
        raw = (await driver.get_raw_connection()).driver_connection
        with sqlite.connect() as connection:
            yield Databases(engine_sqlite.SqliteConnection(connection), engine_postgres.PostgresConnection(driver, raw), driver)
    await postgres.dispose()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(crowd=criteria_grammar.people(PEOPLE), documents=st.lists(criteria_grammar.criteria(), min_size=6, max_size=6))
async def test_the_reference_and_both_databases_agree_about_any_people_and_criteria(
    databases: Databases, crowd: list[Person], documents: list[Any]
) -> None:
    criteria = [parse_criteria(document, "criteria") for document in documents]
    expected = [[matches_person(each, person, NOW) for each in criteria] for person in crowd]
    assert await databases.ask(databases.sqlite, crowd, criteria) == expected
    assert await databases.ask(databases.postgres, crowd, criteria) == expected
