"""Whole numbers that a double does not hold are refused by their path, rather than changed: JSON
becomes doubles on its way."""

from __future__ import annotations

from typing import Any

from tests.api.test_validation_fields import OBJECTS
from tests.support.api.callers import Caller
from tests.support.api.scenes import COMMS, MESSAGING, TEMPLATES, ok
from tests.support.api.untouched import MESSAGES, PEOPLE, SEGMENTS, Untouched, put

INEXACT = [9007199254740993, 2**53, -(2**53), 1e300]


CRITERIA = [
    (f"{SEGMENTS}/CreateSegment", "predicate"),
    (f"{SEGMENTS}/PreviewPredicate", "predicate"),
    (f"{COMMS}/CreateCampaign", "segment_criteria"),
    (f"{COMMS}/UpdateCampaign", "segment_criteria"),
]


async def test_by_their_path_in_an_object(untouched: Untouched) -> None:
    for method, field in OBJECTS:
        if (method, field) in CRITERIA:
            continue
        for number in INEXACT:
            await untouched.refuses_field(
                method, put(untouched.good(method), field, {"n": number}), f"{field}.n"
            )
        deep = {"a": [1, {"b-c": [2**53]}], "d": 2**60}
        answer = await untouched.refuses(method, put(untouched.good(method), field, deep))
        assert answer.fields == {f"{field}.a[1].b-c[0]", f"{field}.d"}


async def test_by_their_path_in_criteria(untouched: Untouched) -> None:
    for method, field in CRITERIA:
        for number in INEXACT:
            criteria = {
                "and": [{"==": [{"var": "seats"}, number]}, {"in": [{"var": "plan"}, [1, number]]}]
            }
            answer = await untouched.refuses(method, put(untouched.good(method), field, criteria))
            assert answer.fields == {f"{field}.and[0].==[1]", f"{field}.and[1].in[1][1]"}


async def test_in_a_batch_of_people(untouched: Untouched) -> None:
    people = [{"person_id": "ann"}, {"person_id": "bob", "attributes": {"n": 2**53}}]
    await untouched.refuses_field(
        f"{PEOPLE}/BatchPutPeople",
        {"brand_id": untouched.brand, "people": people},
        "people[1].attributes.n",
    )


async def test_in_a_default_of_a_template(untouched: Untouched) -> None:
    variables = [{"name": "n", "type": "numeric", "default_value": 2**53}]
    method = f"{TEMPLATES}/CreateTemplateVersion"
    request = {**untouched.good(method), "variable_schema": variables}
    await untouched.refuses_field(method, request, "variable_schema.n")


async def test_a_key_that_may_be_personal_is_not_told(untouched: Untouched) -> None:
    method = f"{MESSAGES}/ScheduleMessage"
    variables = {"ana@example.com": {"n": 2**53}}
    await untouched.refuses_field(
        method, put(untouched.good(method), "variables", variables), "variables"
    )


async def test_exact_ones_come_back_as_they_were(idle_api: Caller, brand: str) -> None:
    attributes: dict[str, Any] = {"most": 2**53 - 1, "least": -(2**53) + 1}
    await ok(
        idle_api,
        f"{PEOPLE}/PutPerson",
        {"brand_id": brand, "person_id": "ann", "attributes": attributes},
    )
    assert (await ok(idle_api, f"{PEOPLE}/GetPerson", {"brand_id": brand, "person_id": "ann"}))[
        "attributes"
    ] == attributes


async def test_are_told_with_all_else(untouched: Untouched) -> None:
    method = f"{MESSAGING}/CreateCampaignStep"
    request = put(put(untouched.good(method), "variables", {"n": 2**53}), "delay_minutes", -1)
    answer = await untouched.refuses(method, request)
    assert answer.fields == {"delay_minutes", "variables.n"}
