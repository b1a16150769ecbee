"""docs/segments.md says nothing that is not so."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.domain.criteria.parse import parse_criteria
from server.domain.errors import ValidationFailed
from storage.model.people import Person
from tests.storage.sql.aggregates.criteria.databases import Database, reference

PAGE = (Path(__file__).parents[5] / "docs" / "segments.md").read_text(encoding="utf-8")
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
EXAMPLES = [
    (json.loads(criteria), ids.split(", "))
    for criteria, ids in re.findall(r"```json\n([^`]+)\n```\nMatches (.+?)\.\n", PAGE)
]
REFUSALS = re.findall(r"^\| `(\{.+?)` \| `(.+?)` \| (.+) \|$", PAGE, re.MULTILINE)
OPERATORS = (
    *(
        "and",
        "or",
        "!",
        "var",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "contains",
        "starts_with",
        "missing",
    ),
    *("within_last", "within_next", "longer_ago_than"),
)


def _people() -> list[Person]:
    decoder, people = json.JSONDecoder(), []
    text = re.findall(r"```people\n(.+?)```", PAGE, re.DOTALL)[0].strip()
    while text:
        described, end = decoder.raw_decode(text)
        text = text[end:].strip()
        people.append(_person(**described))
    return people


# Named as the page names it.
def _person(id: str, created_at: str, attributes: dict[str, Any], **fields: str) -> Person:  # noqa: A002
    created = datetime.fromisoformat(created_at)
    values: dict[str, Any] = {
        "email": None,
        "phone": None,
        "locale": None,
        "time_zone": None,
    } | fields
    return Person(
        brand_id="brand",
        person_id=id,
        attributes=attributes,
        push_tokens=(),
        created_at=created,
        updated_at=created,
        **values,
    )


async def test_every_example_matches_whom_the_page_says(databases: list[Database]) -> None:
    people, criteria = _people(), [parse_criteria(document, "criteria") for document, _ in EXAMPLES]
    expected = [[person.person_id in matched for _, matched in EXAMPLES] for person in people]
    assert reference(people, criteria, NOON) == expected
    for database in databases:
        assert await database.ask(people, criteria, NOON) == expected


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_an_example_that_tells_people_apart(operator: str) -> None:
    assert any(
        f'"{operator}":' in json.dumps(document) and len(matched) < len(_people())
        for document, matched in EXAMPLES
    )


@pytest.mark.parametrize(("criteria", "field", "message"), REFUSALS)
def test_what_the_page_says_is_refused_is_refused_with_these_words(
    criteria: str, field: str, message: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_criteria(json.loads(criteria), "predicate")
    (violation,) = refused.value.violations
    assert (violation.field, violation.message) == (field, message)


def test_the_page_was_read() -> None:
    assert len(EXAMPLES) > len(OPERATORS)
    assert len(REFUSALS) >= 5
