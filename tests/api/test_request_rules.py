"""Every request is refused with all that is wrong with its fields, by the rules that stand in the
protos."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_validation_fields import OBJECTS, REQUIRED
from tests.support.api.callers import Caller
from tests.support.api.scenes import COMMS, MESSAGING, TEMPLATES, ok
from tests.support.api.untouched import (
    MESSAGES,
    PEOPLE,
    SEGMENTS,
    SUPPRESSIONS,
    Untouched,
    put,
)


async def test_all_missing_fields_are_named_at_once(untouched: Untouched) -> None:
    method = f"{MESSAGES}/ScheduleMessage"
    answer = await untouched.refuses(method, {"channel": "sms"})
    assert (answer.status, answer.fields) == (422, set(REQUIRED[method]) - {"channel"})


EVERYTHING: list[tuple[str, dict[str, Any]]] = [
    (
        f"{MESSAGES}/ScheduleMessage",
        {"person_id": ".", "channel": "sms", "recipient": "call me", "dedup_key": "",
            "template_key": "a b", "variables": {"a": "\0"}},
    ),
    (
        f"{COMMS}/CreateCampaign",
        {"name": "", "subject": "{% if %}", "template_key": "/", "variables": {"a": "\0"},
            "segment_criteria": {"a": 1}},
    ),
    (f"{COMMS}/UpdateCampaign", {"name": " ", "subject": "{{ x | nope }}", "variables": {"n": "\0"},
        "segment_criteria": {"==": 1}}),
    (
        f"{PEOPLE}/PutPerson",
        {"person_id": "ann\u200b", "email": "at home", "phone": "2025550199", "push_tokens": ["ok",
            " "], "locale": "pt_BR",
         "time_zone": "Mars/A", "attributes": {"a": "\0"}},
    ),
    (f"{MESSAGING}/CreateCampaignStep", {"position": -1, "template_version_id": "",
        "delay_minutes": -1, "variables": {"a": "\0"}}),
    (f"{SEGMENTS}/CreateSegment", {"name": "a\nb", "predicate": {"==": [1]}}),
    (f"{SUPPRESSIONS}/CreateSuppression", {"channel": "email", "address": "Eva <eva@example.com>",
        "source": "x" * 201}),
    (f"{TEMPLATES}/RenderTemplate", {"person_id": "\0", "locale": "pt_BR", "payload": {"a": "\0"}}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "bad"), EVERYTHING)
async def test_broken_rules_and_values_that_do_not_fit_are_answered_together(
    untouched: Untouched, method: str, bad: dict[str, Any]
) -> None:
    answer = await untouched.refuses(method, untouched.good(method) | bad)
    assert answer.error == "validation_failed"
    expected = set(bad) - {"channel"}
    assert {field.split("[")[0].split(".")[0] for field in answer.fields} == expected


async def test_faults_of_a_batch_are_told_together(untouched: Untouched) -> None:
    people = [
        {"person_id": "ann", "email": "at home"},
        {"person_id": "bob", "phone": "1", "locale": "pt_BR"},
        {"person_id": "ann"},
    ]
    answer = await untouched.refuses(f"{PEOPLE}/BatchPutPeople", {"people": people})
    assert answer.fields == {
        "brand_id",
        "people[0].email",
        "people[1].phone",
        "people[1].locale",
        "people[2].person_id",
    }


async def test_an_object_far_too_large_is_refused_before_it_is_looked_at(
    untouched: Untouched,
) -> None:
    for method, field in OBJECTS:
        request = put(untouched.good(method), field, {"a": [1] * 60_000})
        await untouched.refuses_field(method, request, field)


async def test_an_object_that_is_larger_as_protobuf_than_as_json_is_taken(
    idle_api: Caller, brand: str
) -> None:
    attributes = {"a": [1] * 21_000}
    await ok(
        idle_api,
        f"{PEOPLE}/PutPerson",
        {"brand_id": brand, "person_id": "ann", "attributes": attributes},
    )
    assert (await ok(idle_api, f"{PEOPLE}/GetPerson", {"brand_id": brand, "person_id": "ann"}))[
        "attributes"
    ] == attributes
