"""Criteria in plain English."""

from __future__ import annotations

import pytest

from server.domain.criteria.explain import explain
from server.domain.criteria.parse import parse_criteria

PLAN, AGE = {"var": "plan"}, {"var": "age"}
PRO = {"==": [PLAN, "pro"]}
ADULT = {">=": [AGE, 18]}

SAID: list[tuple[object, str]] = [
    (PRO, 'plan is "pro"'),
    ({"!=": [PLAN, "pro"]}, 'plan is not "pro"'),
    ({"==": ["pro", PLAN]}, 'plan is "pro"'),
    ({"==": [PLAN, None]}, "plan is missing"),
    ({"!=": [None, PLAN]}, "plan is not missing"),
    ({"==": [{"var": "vip"}, True]}, "vip is true"),
    ({"==": [AGE, 34.0]}, "age is 34"),
    ({"var": "vip"}, "vip is set"),
    ({"!": {"var": "vip"}}, "vip is not set"),
    ({"<": [AGE, 18]}, "age is less than 18"),
    ({">": [AGE, 18]}, "age is more than 18"),
    (ADULT, "age is at least 18"),
    ({"!": {"<=": [AGE, 18]}}, "age is not at most 18"),
    ({"<": [18, AGE, 65]}, "age is more than 18 and age is less than 65"),
    ({"<": [AGE, {"var": "limit"}]}, "age is less than limit"),
    ({">": [{"var": "created_at"}, "2026-03"]}, 'created_at is after "2026-03"'),
    ({"<=": [{"var": "name"}, "b"]}, 'name is the same as or before "b"'),
    ({"in": [PLAN, ["pro", "free"]]}, 'plan is one of "pro", "free"'),
    ({"!": {"in": [PLAN, [1, None]]}}, "plan is not one of 1, null"),
    (
        {"in": [PLAN, list(range(1010))]},
        "plan is one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,000 more",
    ),
    ({"in": ["tea", {"var": "tags"}]}, 'tags contains "tea"'),
    ({"!": {"contains": [{"var": "tags"}, "tea"]}}, 'tags does not contain "tea"'),
    ({"starts_with": [{"var": "locale"}, "pt"]}, 'locale starts with "pt"'),
    ({"!": {"starts_with": [{"var": "locale"}, "pt"]}}, 'locale does not start with "pt"'),
    ({"missing": "email"}, "email is missing or empty"),
    ({"!": {"missing": "email"}}, "email is neither missing nor empty"),
    ({"missing": ["email", "phone"]}, "email is missing or empty or phone is missing or empty"),
    ({"within_last": [{"var": "seen"}, 4, "weeks"]}, "seen is in the last 28 days"),
    ({"within_next": [{"var": "due"}, 1, "hours"]}, "due is in the next 1 hour"),
    ({"!": {"within_next": [{"var": "due"}, 90, "minutes"]}}, "due is not in the next 90 minutes"),
    ({"longer_ago_than": [{"var": "seen"}, 1, "days"]}, "seen is longer ago than 1 day"),
    ({"received": "c1"}, 'the campaign "News" was sent to them'),
    ({"!": {"received": "c2"}}, 'the campaign "c2" was not sent to them'),
    ({"and": [PRO]}, 'plan is "pro"'),
    ({"and": [PRO, ADULT]}, 'plan is "pro" and age is at least 18'),
    (
        {"or": [{"and": [PRO, ADULT]}, {"var": "vip"}]},
        '(plan is "pro" and age is at least 18) or vip is set',
    ),
    (
        {"and": [PRO, {"!": {"or": [ADULT, {"var": "vip"}]}}]},
        'plan is "pro" and it is not so that (age is at least 18 or vip is set)',
    ),
    ({"!": {"!": {"and": [PRO, ADULT]}}}, '(plan is "pro" and age is at least 18)'),
    ({"or": [PRO, True]}, 'plan is "pro" or anything holds'),
    ({"and": [PRO, {"!": True}]}, 'plan is "pro" and nothing holds'),
    ({"==": [{"var": "attributes.id"}, "D"]}, 'attributes.id is "D"'),
    ({"==": [{"var": "id"}, "dee"]}, 'id is "dee"'),
    ({"==": [{"var": "address.city"}, "x" * 100]}, f'address.city is "{"x" * 80}…"'),
]


@pytest.mark.parametrize(("document", "said"), SAID, ids=[said for _, said in SAID])
def test_every_operator_is_said_in_words(document: object, said: str) -> None:
    criteria = parse_criteria(document, "predicate")
    assert explain(criteria, {"c1": "News"}) == f"Everybody for whom {said}."


def test_everybody_and_nobody() -> None:
    assert explain(parse_criteria({}, "predicate"), {}) == "Everybody in the brand."
    assert explain(parse_criteria({"!": {}}, "predicate"), {}) == "Nobody."
