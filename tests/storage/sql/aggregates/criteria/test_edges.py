"""Where values, types and sizes are at their ends; the random people and criteria of test_agreement
come by here too seldom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql

from server.domain.criteria.operands import LIST_ITEMS, NAME_PARTS, NODES
from server.domain.criteria.parse import DEPTH, parse_criteria
from storage.model.instants import parse_instant
from storage.model.people import Person
from storage.sql.aggregates.criteria import matches
from storage.sql.dialects.postgres import POSTGRES
from tests.storage.sql.aggregates.criteria.databases import Database, reference
from tests.storage.sql.aggregates.criteria.grammar import NOW

A = {"var": "a"}
MICROSECOND = timedelta(microseconds=1)


def person(person_id: str, attributes: dict[str, Any] | None = None, **fields: Any) -> Person:
    values: dict[str, Any] = {
        "email": None,
        "phone": None,
        "locale": None,
        "time_zone": None,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Person(
        brand_id="brand",
        person_id=person_id,
        attributes=attributes or {},
        push_tokens=(),
        **values | fields,
    )


VALUES: dict[str, Any] = {
    "above 2^53": 2**53 + 1,
    "array": [1],
    "big": 10**20,
    "empty list": [],
    "empty object": {},
    "empty text": "",
    "false": False,
    "half": 1.5,
    "huge": 10**400,
    "minus huge": -(10**400),
    "nested": {"b": {"c": "deep"}},
    "null": None,
    "one": 1,
    "one.0": 1.0,
    "text 1": "1",
    "quoted": 'it\'s "quoted" \\ ü %',
    "texts": ["x", None, True, {"x": 1}, ["x"]],
    "tiny": 0.1,
    "true": True,
    "zero": -0.0,
}
PEOPLE = [person("missing"), *(person(name, {"a": value}) for name, value in VALUES.items())]
NO_VALUE = {"missing", "null"}
CASES: list[tuple[Any, set[str]]] = [
    ({"==": [A, 1]}, {"one", "one.0"}),
    ({"==": [A, 1.0]}, {"one", "one.0"}),
    ({"==": [True, A]}, {"true"}),
    ({"==": [A, False]}, {"false"}),
    ({"==": [A, 0]}, {"zero"}),
    ({"==": [A, "1"]}, {"text 1"}),
    ({"==": [A, "true"]}, set()),
    ({"==": [A, "[1]"]}, set()),
    ({"==": [A, "{}"]}, set()),
    ({"==": [A, 0.1]}, {"tiny"}),
    ({"==": [A, 1e20]}, {"big"}),
    ({"==": [A, 2**53]}, {"above 2^53"}),
    ({"<=": [A, 2**53, A]}, {"above 2^53"}),
    ({"in": [A, [2**53, 1e20]]}, {"above 2^53", "big"}),
    ({"==": [A, 'it\'s "quoted" \\ ü %']}, {"quoted"}),
    ({"==": [A, None]}, NO_VALUE),
    (
        {"==": [A, A]},
        {"missing", *VALUES} - {"array", "empty list", "empty object", "nested", "texts"},
    ),
    ({"==": [1, 1.0]}, {"missing", *VALUES}),
    ({"==": [True, 1]}, set()),
    ({"==": [{"var": "a.b.c"}, "deep"]}, {"nested"}),
    ({"==": [{"var": "a.0"}, 1]}, set()),
    ({">": [A, 1e308]}, {"huge"}),
    ({"<": [A, -1e308]}, {"minus huge"}),
    ({"<": [A, "2"]}, {"empty text", "text 1"}),
    ({"<": [0, A, 2]}, {"half", "one", "one.0", "tiny"}),
    ({"in": [A, [1, "1", None]]}, {"one", "one.0", "text 1", *NO_VALUE}),
    ({"in": [A, [True, False]]}, {"true", "false"}),
    ({"in": [A, "it's 1"]}, {"empty text", "text 1"}),
    ({"contains": [A, "x"]}, {"texts"}),
    ({"contains": [A, None]}, {"texts"}),
    ({"contains": [A, True]}, {"texts"}),
    ({"contains": [A, 1.0]}, {"array"}),
    ({"contains": [A, '" \\ ü %']}, {"quoted"}),
    ({"contains": [A, ""]}, {"empty text", "text 1", "quoted"}),
    ({"starts_with": [A, "it's"]}, {"quoted"}),
    ({"starts_with": [A, ""]}, {"empty text", "text 1", "quoted"}),
    ({"missing": "a"}, {"empty text", *NO_VALUE}),
    ({"!": A}, {"empty list", "empty text", "false", "zero", *NO_VALUE}),
    ({"within_last": [A, 1, "days"]}, set()),
]


async def assert_all_say(
    databases: list[Database],
    crowd: list[Person],
    cases: list[tuple[Any, set[str]]],
    now: datetime = NOW,
) -> None:
    criteria = [parse_criteria(document, "criteria") for document, _ in cases]
    answers = [
        reference(crowd, criteria, now),
        *[await database.ask(crowd, criteria, now) for database in databases],
    ]
    for place in answers:
        matched = [
            {crowd[row].person_id for row in range(len(crowd)) if place[row][index] is True}
            for index in range(len(cases))
        ]
        assert list(zip([document for document, _ in cases], matched, strict=True)) == cases


async def test_types_are_never_mixed(databases: list[Database]) -> None:
    await assert_all_say(databases, PEOPLE, CASES)


@pytest.mark.parametrize(
    "key", ["q\"u'o", "back\\slash", "tab\t", "ü", "a b", "$[0]", "*", "0", "#", ":p", "%s", "?"]
)
async def test_any_key_without_a_dot_can_be_named(databases: list[Database], key: str) -> None:
    crowd = [person("it", {key: {key: "x"}, "a": [key]}), person("other", {key + " ": {key: "x"}})]
    await assert_all_say(
        databases,
        crowd,
        [
            ({"==": [{"var": f"attributes.{key}.{key}"}, "x"]}, {"it"}),
            ({"contains": [A, key]}, {"it"}),
        ],
    )


async def test_strings_compare_by_code_point_whatever_the_language(
    databases: list[Database],
) -> None:
    in_order = ["", "-", "10", "9", "B", "Z", "a", "ab", "b", "ü", "\uffff", "\U0001f600"]
    crowd = [person(f"p{index:02}", {"a": text}, email=text) for index, text in enumerate(in_order)]
    cases: list[tuple[Any, set[str]]] = []
    for name in ("a", "email"):
        cases += [
            ({"<": [{"var": name}, text]}, {f"p{before:02}" for before in range(index)})
            for index, text in enumerate(in_order)
        ]
    await assert_all_say(databases, crowd, cases)


@pytest.mark.parametrize("name", ["a", "email", "id"])
def test_postgres_is_told_to_compare_by_code_point(name: str) -> None:
    # The databases of tests may have no other order; those of others do.
    condition = matches(parse_criteria({"<": [{"var": name}, "b"]}, "criteria"), NOW, POSTGRES)
    # Published without types.
    statement = condition.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    assert str(statement).count('COLLATE "C"') == 2


async def test_a_period_has_both_its_ends_and_its_opposite_the_rest_of_the_past(
    databases: list[Database],
) -> None:
    day = timedelta(days=1)
    moments = {
        "early": NOW - day - MICROSECOND,
        "start": NOW - day,
        "now": NOW,
        "end": NOW + day,
        "late": NOW + day + MICROSECOND,
    }
    crowd = [
        person(name, {"a": moment.isoformat()}, created_at=moment)
        for name, moment in moments.items()
    ]
    cases: list[tuple[Any, set[str]]] = []
    for name in ("a", "created_at"):
        cases += [
            ({"within_last": [{"var": name}, 24, "hours"]}, {"start", "now"}),
            ({"within_next": [{"var": name}, 24, "hours"]}, {"now", "end"}),
            ({"longer_ago_than": [{"var": name}, 24, "hours"]}, {"early"}),
        ]
    await assert_all_say(databases, crowd, cases)


DATES = {
    "2026-03-01": True,
    "2024-02-29": True,
    "2000-02-29": True,
    "0001-01-01": True,
    "0001-01-01T00:00:00+15:59": True,
    "2026-03-01T12:00:00Z": True,
    "2026-03-01t12:00:00.123456789z": True,
    "2026-03-01 12:00:00-15:59": True,
    "2026-02-29": False,
    "1900-02-29": False,
    "0000-01-01": False,
    "2026-04-31": False,
    "2026-13-01": False,
    "2026-00-10": False,
    "2026-03-01T24:00:00Z": False,
    "2026-03-01T23:59:60Z": False,
    "2026-03-01T12:00Z": False,
    "2026-03-01T12:00:00": False,
    "2026-03-01T12:00:00.Z": False,
    "2026-03-01T12:00:00+16:00": False,
    "2026-03-01T12:00:00+0100": False,
    "2026-03-01\n": False,
    " 2026-03-01": False,
    "٢٠٢٦-٠٣-٠١": False,
    "20260301": False,
    "yesterday": False,
    "now": False,
    "infinity": False,
    "": False,
}


async def test_dates_are_rfc_3339_or_a_day_and_nothing_else_is_a_date(
    databases: list[Database],
) -> None:
    crowd = [person(f"p{index}", {"a": text}, locale=text) for index, text in enumerate(DATES)]
    dates = {each.person_id for each, is_date in zip(crowd, DATES.values(), strict=True) if is_date}
    later = NOW + timedelta(days=100)
    cases: list[tuple[Any, set[str]]] = [
        ({"longer_ago_than": [{"var": name}, 1, "minutes"]}, dates) for name in ("a", "locale")
    ]
    await assert_all_say(databases, crowd, cases, later)
    assert {text for text in DATES if parse_instant(text) is not None} == {
        text for text, is_date in DATES.items() if is_date
    }


async def test_digits_beyond_microseconds_are_dropped(databases: list[Database]) -> None:
    now = NOW.replace(microsecond=999_999)
    crowd = [person("it", {"a": now.replace(microsecond=0).isoformat().replace("+", ".9999999+")})]
    await assert_all_say(
        databases,
        crowd,
        [
            ({"within_last": [A, 1, "minutes"]}, {"it"}),
            ({"longer_ago_than": [A, 1, "minutes"]}, set()),
        ],
        now,
    )


async def test_built_in_instants_read_as_text_in_utc(databases: list[Database]) -> None:
    crowd = [
        person(
            "it",
            created_at=datetime.fromisoformat("2026-03-01T01:02:03.000450+02:00"),
            updated_at=datetime.fromisoformat("1969-12-31T23:59:59.5Z"),
        )
    ]
    cases: list[tuple[Any, set[str]]] = [
        ({"==": [{"var": "created_at"}, "2026-02-28T23:02:03.000450Z"]}, {"it"}),
        ({"==": [{"var": "updated_at"}, "1969-12-31T23:59:59.500000Z"]}, {"it"}),
        ({"==": [{"var": "created_at"}, None]}, set()),
    ]
    await assert_all_say(databases, crowd, cases)


def _largest() -> list[Any]:
    every: dict[str, Any] = {"or": [{"==": [A, f"{number}"]} for number in range(10)]}
    for _ in range(DEPTH - 2):
        every = {"and": [every]}
    long_name = ".".join(["a"] * NAME_PARTS)
    pairs = (NODES - 1) // 3
    return [
        every,
        {"in": [A, [f"{number % 100}" for number in range(LIST_ITEMS)]]},
        {"in": [A, list(range(LIST_ITEMS))]},
        {
            "or": [
                {"==": [{"var": long_name}, {"var": f"attributes.b.{index}"}]}
                for index in range(pairs)
            ]
        },
        {"or": [{"<": [{"var": f'"{index}'}, {"var": "a.\t"}]} for index in range(pairs)]},
        {"and": [{"contains": [{"var": f"a{index}"}, A]} for index in range(pairs)]},
        {"and": [{"within_last": [A, index + 1, "days"]} for index in range(pairs)]},
        {"missing": [f"a{index}" for index in range(NODES - 1)]},
        {"or": [{"var": f"a{index}"} for index in range(NODES - 1)]},
    ]


@pytest.mark.parametrize("document", _largest(), ids=range(len(_largest())))
async def test_the_largest_criteria_run_on_both_databases(
    databases: list[Database], document: Any
) -> None:
    crowd = [
        person("text", {"a": "9"}),
        person("number", {"a": 9999}),
        replace(person("none"), email="x"),
    ]
    criteria = [parse_criteria(document, "criteria")]
    for database in databases:
        assert await database.ask(crowd, criteria, NOW) == reference(crowd, criteria, NOW)
