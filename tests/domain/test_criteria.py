"""The language of segments, and where it says a document goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.criteria import Criteria, Equals, Everyone, parse_criteria
from server.domain.errors import ValidationFailed

PLAN = {"var": "plan"}


@pytest.mark.parametrize(
    ("document", "criteria"),
    [
        ({}, Everyone()),
        ({"==": [PLAN, "pro"]}, Equals(("plan",), "pro")),
        ({"==": ["pro", PLAN]}, Equals(("plan",), "pro")),
        ({"==": [{"var": "address.city"}, "Lisbon"]}, Equals(("address", "city"), "Lisbon")),
        ({"==": [PLAN, 7]}, Equals(("plan",), 7)),
        ({"==": [PLAN, 7.5]}, Equals(("plan",), 7.5)),
        ({"==": [PLAN, True]}, Equals(("plan",), True)),
        ({"==": [PLAN, None]}, Equals(("plan",), None)),
        ({"==": [PLAN, ""]}, Equals(("plan",), "")),
    ],
)
def test_what_is_understood(document: dict[str, Any], criteria: Criteria) -> None:
    assert parse_criteria(document, "criteria") == criteria


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"==": [PLAN, 1], "!=": [PLAN, 2]}, "criteria"),
        ({"and": []}, "criteria"),
        ({"var": "plan"}, "criteria"),
        ({"==": PLAN}, "criteria.=="),
        ({"==": []}, "criteria.=="),
        ({"==": [PLAN]}, "criteria.=="),
        ({"==": [PLAN, 1, 2]}, "criteria.=="),
        ({"==": "ab"}, "criteria.=="),
        ({"==": None}, "criteria.=="),
        ({"==": [1, 2]}, "criteria.=="),
        ({"==": [PLAN, PLAN]}, "criteria.=="),
        ({"==": [PLAN, [1]]}, "criteria.=="),
        ({"==": [PLAN, {}]}, "criteria.=="),
        ({"==": [{"var": ""}, 1]}, "criteria.=="),
        ({"==": [{"var": 1}, 1]}, "criteria.=="),
        ({"==": [{"var": ["plan", "default"]}, 1]}, "criteria.=="),
        ({"==": [{"var": "plan", "more": 1}, 1]}, "criteria.=="),
        ({"==": [{"missing": ["plan"]}, 1]}, "criteria.=="),
    ],
)
def test_what_is_not_understood_is_refused_by_its_place(document: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_criteria(document, "criteria")
    assert [violation.field for violation in refused.value.violations] == [place]


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("=="), inner)
)


@given(st.dictionaries(st.text() | st.sampled_from(["==", "var"]), JSON))
def test_any_document_is_understood_or_refused(document: dict[str, Any]) -> None:
    fields: list[str] = []
    try:
        parse_criteria(document, "criteria")
    except ValidationFailed as refused:
        fields = [violation.field for violation in refused.violations]
    assert set(fields) <= {"criteria", "criteria.=="}
