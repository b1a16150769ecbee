"""Variables are checked against the template before anything is accepted, wherever something is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.support.api.answers import Answer
from tests.support.api.callers import Caller
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    add_step,
    campaign,
    instant,
    messaging_campaign,
    ok,
    put_template,
    recipients,
    step,
    try_rendering,
)

SCHEMA = [
    {"name": "order", "type": "mapping", "required": True},
    {"name": "count", "type": "numeric", "required": True},
    {"name": "note", "type": "text"},
    {"name": "greeting", "type": "text", "required": True, "default_value": "Hello"},
]
GOOD = {"order": {"id": 7}, "count": 2}
REFUSED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {"order": "is required by the template", "count": "is required by the template"}),
    (
        {"order": None, "count": None, "note": None, "greeting": None},
        {"order": "is required by the template", "count": "is required by the template"},
    ),
    (
        {"order": [], "count": "2", "note": 5, "greeting": False},
        {
            "order": "must be an object",
            "count": "must be a number",
            "note": "must be a string",
            "greeting": "must be a string",
        },
    ),
    ({"order": {}, "count": True}, {"count": "must be a number"}),
]
ACCEPTED: list[dict[str, Any]] = [
    GOOD,
    {**GOOD, "note": None, "greeting": None},
    {**GOOD, "greeting": "Hi", "unknown": [1]},
]


async def put_typed(api: Caller, brand: str, **more: Any) -> None:
    await put_template(api, brand, key="typed", **{"body": "x", "variable_schema": SCHEMA, **more})


def message(brand: str, variables: dict[str, Any], **more: Any) -> dict[str, Any]:
    common = {
        "brand_id": brand,
        "person_id": "ann",
        "recipient": "ann@example.com",
        "channel": "email",
        "template_key": "typed",
    }
    return {
        **common,
        "dedup_key": uuid4().hex,
        "scheduled_at": instant(FAR),
        "variables": variables,
        **more,
    }


async def comms_draft(api: Caller, brand: str, variables: dict[str, Any], **more: Any) -> str:
    request = {
        "brand_id": brand,
        "name": "n",
        "subject": "s",
        "channel": "email",
        "template_key": "typed",
        "variables": variables,
        **more,
    }
    return str((await ok(api, f"{COMMS}/CreateCampaign", request))["campaign"]["id"])


async def attempt(operation: str, api: Caller, brand: str, variables: dict[str, Any]) -> Any:
    """Tries to have something accepted with the variables."""
    match operation:
        case "ScheduleMessage":
            return await api.call("comms.MessageService/ScheduleMessage", message(brand, variables))
        case "RenderTemplate":
            return await try_rendering(api, brand, key="typed", payload=variables, strict=True)
        case "CreateCampaign":
            fields = {
                "name": "n",
                "subject": "s",
                "channel": "email",
                "template_key": "typed",
                "variables": variables,
            }
            return await api.call(
                f"{COMMS}/CreateCampaign",
                {"brand_id": brand, "scheduled_at": instant(FAR), **fields},
            )
        case "UpdateCampaign":
            campaign_id = await comms_draft(api, brand, variables)
            return await api.call(
                f"{COMMS}/UpdateCampaign", {"id": campaign_id, "scheduled_at": instant(FAR)}
            )
        case "SendCampaign":
            campaign_id = await comms_draft(api, brand, variables)
            return await api.call(
                f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients(1)}
            )
        case "CreateCampaignStep":
            about = {"id": await messaging_campaign(api, brand, steps=[])}
            request = about | await step(api, brand, key="typed", variables=variables)
            return await api.call(f"{MESSAGING}/{operation}", request)
        case _:
            campaign_id = await messaging_campaign(api, brand, steps=[])
            step_id = await add_step(api, brand, campaign_id, key="typed", variables=GOOD)
            request = {"id": campaign_id, "step_id": step_id, "variables": variables}
            return await api.call(f"{MESSAGING}/{operation}", request)


def told(answer: Answer) -> dict[str, str]:
    """The variables a refusal names, each once, with what is wrong."""
    entries = answer.body["details"]["fields"]
    named = {entry["field"].partition(".")[2]: entry["message"] for entry in entries}
    assert len(named) == len(entries)
    return named


OPERATIONS = {
    "ScheduleMessage": 422,
    "RenderTemplate": 400,
    "CreateCampaign": 422,
    "UpdateCampaign": 422,
    "SendCampaign": 422,
    "CreateCampaignStep": 400,
    "UpdateCampaignStep": 400,
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_every_operation_names_variables_that_do_not_fit_and_accepts_those_that_do(
    idle_api: Caller, brand: str, operation: str
) -> None:
    await put_typed(idle_api, brand)
    answer = await attempt(operation, idle_api, brand, {"count": "2"})
    assert (answer.status, answer.error) == (OPERATIONS[operation], "validation_failed")
    expected = {"order": "is required by the template", "count": "must be a number"}
    assert told(answer) == expected
    assert (await attempt(operation, idle_api, brand, GOOD)).status < 300


async def test_each_variable_that_does_not_fit_is_named_once(idle_api: Caller, brand: str) -> None:
    await put_typed(idle_api, brand)
    for variables, violations in REFUSED:
        answer = await attempt("ScheduleMessage", idle_api, brand, variables)
        assert (answer.status, answer.error) == (422, "validation_failed")
        assert told(answer) == violations


async def test_variables_that_fit_are_accepted_and_unknown_ones_with_them(
    idle_api: Caller, brand: str
) -> None:
    await put_typed(idle_api, brand)
    for variables in ACCEPTED:
        assert (await attempt("ScheduleMessage", idle_api, brand, variables)).status == 201


async def test_a_refused_message_leaves_nothing_behind(idle_api: Caller, brand: str) -> None:
    await put_typed(idle_api, brand)
    request = message(brand, {}, scheduled_at=instant(-FAR))
    answer = await idle_api.call("comms.MessageService/ScheduleMessage", request)
    assert (answer.status, answer.fields) == (
        422,
        {"scheduled_at", "variables.order", "variables.count"},
    )
    assert (await ok(idle_api, "comms.MessageService/ListMessages", {"brand_id": brand}))[
        "data"
    ] == []
    mended = {**request, "scheduled_at": instant(FAR), "variables": GOOD}
    assert (await idle_api.call("comms.MessageService/ScheduleMessage", mended)).status == 201


async def test_a_refused_campaign_stays_a_draft_and_has_no_send(
    idle_api: Caller, brand: str
) -> None:
    await put_typed(idle_api, brand)
    campaign_id = await comms_draft(idle_api, brand, {})
    answer = await idle_api.call(
        f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients(1)}
    )
    assert answer.error == "validation_failed"
    assert (await campaign(idle_api, COMMS, campaign_id))["status"] == "draft"
    assert (await ok(idle_api, f"{COMMS}/ListCampaignHistory", {"id": campaign_id}))["sends"] == []


async def test_a_draft_may_wait_for_its_template_and_variables(
    idle_api: Caller, brand: str
) -> None:
    draft = await comms_draft(idle_api, brand, {"order": 5})
    assert (await campaign(idle_api, COMMS, draft))["status"] == "draft"


async def test_names_in_the_campaign_s_own_subject_are_checked_too(
    idle_api: Caller, brand: str
) -> None:
    await put_typed(idle_api, brand)
    subject = (
        "{{ greeting }} {{ count }} {{ topic }} {{ mood | default: 'fine' }} {{ person.name }} {{ "
        "campaign.name }}"
    )
    draft = await comms_draft(idle_api, brand, GOOD, subject=subject)
    request = {"id": draft, "recipients": recipients(1)}
    answer = await idle_api.call(f"{COMMS}/SendCampaign", request)
    assert answer.fields == {"variables.topic"}


async def test_a_scheduled_campaign_cannot_be_changed_into_one_that_does_not_fit(
    idle_api: Caller, brand: str
) -> None:
    await put_typed(idle_api, brand)
    campaign_id = await comms_draft(idle_api, brand, GOOD, scheduled_at=instant(FAR))
    before = await campaign(idle_api, COMMS, campaign_id)
    answer = await idle_api.call(
        f"{COMMS}/UpdateCampaign", {"id": campaign_id, "variables": {"order": {}}}
    )
    assert (answer.status, answer.fields) == (422, {"variables.count"})
    assert await campaign(idle_api, COMMS, campaign_id) == before


async def test_inferred_variables_are_checked_as_given_ones_are(
    idle_api: Caller, brand: str
) -> None:
    await put_typed(
        idle_api,
        brand,
        variable_schema=[],
        body="{{ a }}{{ b | default: 1 }}{% if c %}{{ c }}{% endif %}",
        html="{{ d }}",
    )
    answer = await idle_api.call("comms.MessageService/ScheduleMessage", message(brand, {}))
    assert (answer.status, answer.fields) == (422, {"variables.a", "variables.d"})
    accepted = await idle_api.call(
        "comms.MessageService/ScheduleMessage", message(brand, {"a": False, "d": ""})
    )
    assert accepted.status == 201


async def test_a_repeat_under_a_dedup_key_is_found_whatever_the_template_asks_for_by_now(
    idle_api: Caller, brand: str
) -> None:
    await put_typed(idle_api, brand)
    request = message(brand, GOOD)
    first = await idle_api.call("comms.MessageService/ScheduleMessage", request)
    await put_typed(idle_api, brand, variable_schema=[{"name": "new", "required": True}])
    again = await idle_api.call("comms.MessageService/ScheduleMessage", request)
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)


@pytest.mark.parametrize("letter", ["n", "ñ", "名"])
async def test_an_answer_lists_as_many_variables_as_clients_accept_and_counts_the_others(
    idle_api: Caller, brand: str, letter: str
) -> None:
    """Over gRPC the refusal travels as metadata, and a client with default settings fails on too
    much of it."""
    names = [f"{letter * 100}_{number}" for number in range(150)]
    await put_typed(
        idle_api, brand, variable_schema=[{"name": name, "required": True} for name in names]
    )
    answer = await idle_api.call("comms.MessageService/ScheduleMessage", message(brand, {}))
    assert (answer.status, answer.error) == (422, "validation_failed")
    told = [entry["field"] for entry in answer.body["details"]["fields"]]
    assert told == [f"variables.{name}" for name in names[: len(told)]]
    assert 5 <= len(told) < 150
    assert answer.body["details"]["fields_left_out"] == str(150 - len(told))


async def test_some_dozens_of_variables_are_all_listed(idle_api: Caller, brand: str) -> None:
    await put_typed(
        idle_api,
        brand,
        variable_schema=[{"name": f"variable_{number}", "required": True} for number in range(75)],
    )
    answer = await idle_api.call("comms.MessageService/ScheduleMessage", message(brand, {}))
    assert answer.body["details"].keys() == {"fields"}
    assert len(answer.fields) == 75
