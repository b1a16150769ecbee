"""Criteria are read strictly: what is not of the language is refused where it stands, and nothing
else happens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.criteria.operands import (
    CAMPAIGN_ID_LENGTH,
    CAMPAIGNS,
    LIST_ITEMS,
    NAME_LENGTH,
    NAME_PARTS,
    NODES,
    STRING_LENGTH,
)
from server.domain.criteria.parse import DEPTH, parse_criteria
from server.domain.criteria.received import received_campaigns
from server.domain.errors import FieldViolation, ValidationFailed
from server.domain.validation import OBJECT_BYTES
from storage.model.criteria import (
    EVERYONE,
    All,
    Always,
    Attribute,
    BuiltIn,
    Constant,
    Criteria,
    Dated,
    Either,
    Equal,
    Holds,
    Less,
    Missing,
    Not,
    OneOf,
    Period,
    Received,
    StartsWith,
    Truthy,
)

AGE = {"var": "age"}
PLAN = Attribute(("plan",))
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
    *("within_last", "within_next", "longer_ago_than", "received", "if", "=", ""),
)


def refused(document: object) -> FieldViolation:
    with pytest.raises(ValidationFailed) as failed:
        parse_criteria(document, "criteria")
    (violation,) = failed.value.violations
    return violation


REFUSED: list[tuple[Any, str]] = [
    (None, "criteria"),
    ("free", "criteria"),
    (1, "criteria"),
    ([], "criteria"),
    ({"and": [True], "or": [True]}, "criteria"),
    ({"xor": [True]}, "criteria"),
    ({1: [True]}, "criteria"),
    ({"and": []}, "criteria.and"),
    ({"and": {}}, "criteria.and"),
    ({"or": [True, {"and": [True, "free"]}]}, "criteria.or[1].and[1]"),
    ({"!": []}, "criteria.!"),
    ({"!": [True, True]}, "criteria.!"),
    ({"!": [{"==": 1}]}, "criteria.![0].=="),
    ({"!": {"==": 1}}, "criteria.!.=="),
    ({"==": [AGE]}, "criteria.=="),
    ({"==": [AGE, 1, 2]}, "criteria.=="),
    ({"==": {"var": "age"}}, "criteria.=="),
    ({"==": [AGE, []]}, "criteria.==[1]"),
    ({"==": [AGE, {}]}, "criteria.==[1]"),
    ({"==": [AGE, {"var": "a", "else": 1}]}, "criteria.==[1]"),
    ({"==": [{"==": [AGE, 1]}, True]}, "criteria.==[0]"),
    ({"==": [AGE, "nul\0"]}, "criteria.==[1]"),
    ({"==": [AGE, "half \ud83d"]}, "criteria.==[1]"),
    ({"==": [AGE, float("nan")]}, "criteria.==[1]"),
    ({"==": [AGE, float("inf")]}, "criteria.==[1]"),
    ({"==": [AGE, 10**400]}, "criteria.==[1]"),
    ({"<": [AGE]}, "criteria.<"),
    ({"<": [1, AGE, 2, 3]}, "criteria.<"),
    ({">": [1, AGE, 2]}, "criteria.>"),
    ({">=": [1, AGE, 2]}, "criteria.>="),
    ({"<": [1, AGE, True]}, "criteria.<[2]"),
    ({"in": [AGE, []]}, "criteria.in[1]"),
    ({"in": [AGE, [1, [2]]]}, "criteria.in[1][1]"),
    ({"in": [AGE, [1, AGE]]}, "criteria.in[1][1]"),
    ({"in": [AGE, 1]}, "criteria.in[1]"),
    ({"in": [1, "text"]}, "criteria.in[0]"),
    ({"contains": [None, "a"]}, "criteria.contains[0]"),
    ({"contains": ["text", 1]}, "criteria.contains[1]"),
    ({"starts_with": [AGE, 1]}, "criteria.starts_with[1]"),
    ({"starts_with": [AGE, None]}, "criteria.starts_with[1]"),
    ({"missing": []}, "criteria.missing"),
    ({"missing": {}}, "criteria.missing"),
    ({"missing": ["a", 1]}, "criteria.missing[1]"),
    ({"missing": ["a", ["b"]]}, "criteria.missing[1]"),
    ({"missing": ""}, "criteria.missing"),
    ({"var": ""}, "criteria.var"),
    ({"var": 0}, "criteria.var"),
    ({"var": None}, "criteria.var"),
    ({"var": []}, "criteria.var"),
    ({"var": ["a", None]}, "criteria.var"),
    ({"var": ["a", 1, 2]}, "criteria.var"),
    ({"var": "."}, "criteria.var"),
    ({"var": "a..b"}, "criteria.var"),
    ({"var": ".a"}, "criteria.var"),
    ({"var": "a."}, "criteria.var"),
    ({"var": "a\0b"}, "criteria.var"),
    ({"var": "\udfff"}, "criteria.var"),
    ({"var": "attributes"}, "criteria.var"),
    ({"var": "created_at.year"}, "criteria.var"),
    ({"within_last": [AGE, 30]}, "criteria.within_last"),
    ({"within_last": [AGE, 0, "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, -1, "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, 1.5, "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, True, "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, "30", "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, 36501, "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, 10**400, "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, float("nan"), "days"]}, "criteria.within_last[1]"),
    ({"within_last": [AGE, 1, "day"]}, "criteria.within_last[2]"),
    ({"within_last": [AGE, 1, ["days"]]}, "criteria.within_last[2]"),
    ({"within_next": ["2026-03-01", 1, "days"]}, "criteria.within_next[0]"),
    ({"received": ""}, "criteria.received"),
    ({"received": 1}, "criteria.received"),
    ({"received": ["c1"]}, "criteria.received"),
    ({"received": {"var": "campaign"}}, "criteria.received"),
    ({"received": "x" * (CAMPAIGN_ID_LENGTH + 1)}, "criteria.received"),
    ({"received": "nul\0"}, "criteria.received"),
]


@pytest.mark.parametrize(("document", "field"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_not_of_the_language_is_refused_where_it_stands(
    document: object, field: str
) -> None:
    assert refused(document).field == field


READ: list[tuple[Any, Criteria]] = [
    (True, Always(True)),
    ({"var": "plan"}, Truthy(PLAN)),
    ({"==": ["pro", {"var": "plan"}]}, Equal(Constant("pro"), PLAN)),
    ({"!=": [{"var": "plan"}, None]}, Not(Equal(PLAN, Constant(None)))),
    ({">": [{"var": "plan"}, 1]}, Less(Constant(1), PLAN, False)),
    ({">=": [{"var": "plan"}, "a"]}, Less(Constant("a"), PLAN, True)),
    ({"in": [{"var": "plan"}, ["pro", 1]]}, OneOf(PLAN, ("pro", 1))),
    ({"contains": [["pro", 1], {"var": "plan"}]}, OneOf(PLAN, ("pro", 1))),
    ({"in": ["pro", {"var": "plan"}]}, Holds(PLAN, Constant("pro"))),
    ({"contains": ["prose", {"var": "plan"}]}, Holds(Constant("prose"), PLAN)),
    ({"starts_with": [{"var": "plan"}, "p"]}, StartsWith(PLAN, Constant("p"))),
    ({"missing": "plan"}, Missing(PLAN)),
    ({"missing": ["plan", "email"]}, Either((Missing(PLAN), Missing(BuiltIn.EMAIL)))),
    (
        {"longer_ago_than": [{"var": "plan"}, 2.0, "weeks"]},
        Dated(PLAN, Period.LONGER_AGO_THAN, timedelta(days=14)),
    ),
    ({"!": {"received": "c1"}}, Not(Received("c1"))),
    # Whole numbers that a double does not hold are rounded to one, as they are on their way here.
    ({"==": [{"var": "plan"}, 2**53 + 1]}, Equal(PLAN, Constant(2.0**53))),
]


@pytest.mark.parametrize(("document", "criteria"), READ, ids=range(len(READ)))
def test_what_is_of_the_language_is_read(document: object, criteria: Criteria) -> None:
    assert parse_criteria(document, "criteria") == criteria


def test_a_name_is_a_built_in_before_it_is_an_attribute() -> None:
    assert parse_criteria({"==": [{"var": "email"}, {"var": "attributes.email"}]}, "c") == Equal(
        BuiltIn.EMAIL, Attribute(("email",))
    )
    assert parse_criteria(
        {"==": [{"var": ["plan"]}, {"var": "attributes.attributes.id"}]}, "c"
    ) == Equal(Attribute(("plan",)), Attribute(("attributes", "id")))


def test_three_operands_ask_for_the_one_between() -> None:
    age = Attribute(("age",))
    assert parse_criteria({"<=": [1, AGE, 3]}, "c") == All(
        (Less(Constant(1), age, True), Less(age, Constant(3), True))
    )


def test_no_condition_is_everyone_wherever_it_stands() -> None:
    assert parse_criteria({}, "c") == EVERYONE
    assert parse_criteria({"!": [{}]}, "c") == Not(EVERYONE)


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"==": [AGE, 1]}
    for _ in range(depth - 1):
        document = {"and": [document]}
    return document


def test_conditions_nest_as_deep_as_said_and_no_deeper() -> None:
    parse_criteria(nested(DEPTH), "criteria")
    assert refused(nested(DEPTH + 1)).field == "criteria" + ".and[0]" * DEPTH
    assert "nested" in refused(nested(10_000)).message


def test_criteria_hold_as_many_nodes_as_said_and_no_more() -> None:
    # Each comparison is three nodes; `or` is one more.
    comparisons = [{"==": [AGE, number]} for number in range((NODES - 1) // 3)]
    parse_criteria({"or": comparisons}, "criteria")
    assert str(NODES) in refused({"or": [*comparisons, True, True]}).message
    assert str(NODES) in refused({"missing": ["a"] * NODES}).message


def test_criteria_ask_for_as_many_campaigns_as_said_and_no_more() -> None:
    asked: list[object] = [{"received": str(number)} for number in range(CAMPAIGNS)]
    parse_criteria({"or": asked}, "criteria")
    assert (
        refused({"or": [*asked, {"received": "0"}]}).field == f"criteria.or[{CAMPAIGNS}].received"
    )


def test_campaigns_that_are_asked_for_are_found_where_they_stand() -> None:
    document = {
        "and": [
            {"received": "a"},
            {"!": {"received": "b"}},
            {"!": [{"or": [{"received": "a"}, {"==": [{"var": "received"}, "c"]}]}]},
            True,
        ]
    }
    assert list(received_campaigns(document, "criteria")) == [
        ("criteria.and[0].received", "a"),
        ("criteria.and[1].!.received", "b"),
        ("criteria.and[2].![0].or[0].received", "a"),
    ]


def test_lists_hold_as_many_items_as_said_and_no_more_in_all() -> None:
    parse_criteria({"in": [AGE, [1] * LIST_ITEMS]}, "criteria")
    assert refused({"in": [AGE, [1] * (LIST_ITEMS + 1)]}).field == "criteria.in[1]"
    assert (
        refused({"or": [{"in": [AGE, [1] * LIST_ITEMS]}, {"in": [AGE, [1]]}]}).field
        == "criteria.or[1].in[1]"
    )


def test_strings_and_the_whole_are_as_long_as_said_and_no_longer() -> None:
    longest = "x" * STRING_LENGTH
    parse_criteria({"in": [AGE, [longest] * 60]}, "criteria")
    assert refused({"==": [AGE, longest + "x"]}).field == "criteria.==[1]"
    assert str(STRING_LENGTH) in refused({"==": [AGE, longest + "x"]}).message
    assert str(OBJECT_BYTES) in refused({"in": [AGE, [longest] * 70]}).message
    # Bytes, not characters.
    assert str(OBJECT_BYTES) in refused({"in": [AGE, ["ü" * STRING_LENGTH] * 40]}).message


def test_names_are_as_long_as_said_and_no_longer() -> None:
    parse_criteria({"var": ".".join(["a"] * NAME_PARTS)}, "criteria")
    assert str(NAME_PARTS) in refused({"var": ".".join(["a"] * (NAME_PARTS + 1))}).message
    assert str(NAME_LENGTH) in refused({"var": "x" * (NAME_LENGTH + 1)}).message


def test_a_refusal_does_not_repeat_input() -> None:
    ann = "ann@example.com"
    for document in (
        {ann: 1},
        {"var": ann * 20},
        {"var": ann + ".."},
        {"==": [AGE, ann * 100]},
        {"within_last": [AGE, 1, ann]},
    ):
        assert ann not in refused(document).message + refused(document).field
    assert "starts_with" in refused({"startswith": [AGE, "a"]}).message


def _documents() -> st.SearchStrategy[Any]:
    keys = st.one_of(st.sampled_from(OPERATORS), st.text(max_size=3))
    words = st.sampled_from(("days", "weeks", "email", "a.b", "attributes.", "2026-03-01"))
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=5),
        words,
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=2)
        ),
        max_leaves=20,
    )


@given(_documents())
def test_any_json_is_read_or_refused_and_nothing_else(document: object) -> None:
    try:
        parse_criteria(document, "criteria")
    except ValidationFailed as failed:
        (violation,) = failed.violations
        assert violation.field.startswith("criteria")
