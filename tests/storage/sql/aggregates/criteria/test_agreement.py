"""One meaning in three places: the reference in Python, SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.domain.criteria.parse import parse_criteria
from storage.model.people import Person
from tests.storage.sql.aggregates.criteria import grammar
from tests.storage.sql.aggregates.criteria.databases import Database, reference
from tests.storage.sql.aggregates.criteria.grammar import NOW

PEOPLE = 8
CRITERIA = 6


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    crowd=grammar.people(PEOPLE),
    documents=st.lists(grammar.criteria(), min_size=CRITERIA, max_size=CRITERIA),
)
async def test_the_reference_and_both_databases_agree_about_any_people_and_criteria(
    databases: list[Database], crowd: list[Person], documents: list[Any]
) -> None:
    criteria = [parse_criteria(document, "criteria") for document in documents]
    expected = reference(crowd, criteria, NOW)
    for database in databases:
        assert await database.ask(crowd, criteria, NOW) == expected
