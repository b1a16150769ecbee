"""Campaigns of both faces: what is written is what is read, what a change changes, and which
campaigns a list has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    campaign,
    campaign_in,
    comms_campaign,
    instant,
    messaging_campaign,
    ok,
    put_segment,
)

LISTED = {COMMS: "campaigns", MESSAGING: "items"}
"""The key of a list of campaigns."""
VARIABLES: dict[str, Any] = {
    "name": "Zoë 🌻 O’Brien",
    "whole": 5,
    "largest_exact": 2**53 - 1,
    "fraction": 0.1,
    "negative": -2.5,
    "flags": [True, False, None],
    "nested": {"deep": [{"er": ["ж", {}]}], "empty": "", "list": []},
}
CRITERIA = {"==": [{"var": "plan.tier"}, "pró"]}
STATUSES = ["draft", "scheduled", "sending", "cancelled"]


def same_json(left: Any, right: Any) -> bool:
    """Whether the two are the same JSON; unlike with `==`, true is not 1. Protobuf knows only
    doubles, so 5 may come back as 5.0."""
    return _text(left) == _text(right)


def _text(value: Any) -> str:
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)


def comms_request(brand: str, **more: Any) -> dict[str, Any]:
    return {
        "brand_id": brand,
        "name": "news",
        "subject": "News",
        "channel": "email",
        "template_key": "welcome",
        **more,
    }


async def messaging_request(api: Caller, brand: str, **more: Any) -> dict[str, Any]:
    return {
        "brand_id": brand,
        "name": "news",
        "segment_id": await put_segment(api, brand),
        **more,
    }


async def listed(api: Caller, face: str, **filters: Any) -> list[str]:
    body = await ok(api, f"{face}/ListCampaigns", filters)
    assert body["next_page_token"] == ""
    return [entry["id"] for entry in body[LISTED[face]]]


async def test_comms_campaign_reads_back_as_written(idle_api: Caller, brand: str) -> None:
    request = comms_request(
        brand,
        name="Frühling 🌷",
        subject="Olá {{ name }}",
        segment_criteria=CRITERIA,
        variables=VARIABLES,
    )
    created = (await ok(idle_api, f"{COMMS}/CreateCampaign", request))["campaign"]
    assert same_json({key: created[key] for key in request}, request)
    assert (created["status"], created["created_by"]) == ("draft", "tester")
    assert created["created_at"] == created["updated_at"]
    assert same_json(await campaign(idle_api, COMMS, created["id"]), created)


async def test_messaging_campaign_reads_back_as_written(idle_api: Caller, brand: str) -> None:
    request = await messaging_request(
        idle_api, brand, name="Frühling 🌷", description="Two\nlines ✓"
    )
    created = await ok(idle_api, f"{MESSAGING}/CreateCampaign", request)
    assert {key: created[key] for key in request} == request
    assert (created["status"], created["created_by"]) == ("draft", "tester")
    assert await campaign(idle_api, MESSAGING, created["id"]) == created


async def test_what_a_comms_draft_has_not_is_null(idle_api: Caller, brand: str) -> None:
    created = (await ok(idle_api, f"{COMMS}/CreateCampaign", comms_request(brand)))["campaign"]
    assert {key for key, value in created.items() if value is None} == {
        "scheduled_at",
        "sent_at",
        "cancelled_at",
    }
    assert (created["segment_criteria"], created["variables"]) == ({}, {})


@pytest.mark.parametrize("blank", [{}, {"description": None}, {"description": ""}])
async def test_what_a_messaging_draft_has_not_is_null(
    idle_api: Caller, brand: str, blank: dict[str, Any]
) -> None:
    created = await ok(
        idle_api, f"{MESSAGING}/CreateCampaign", await messaging_request(idle_api, brand, **blank)
    )
    absent = {"description", "scheduled_at", "published_at", "sent_at", "cancelled_at"}
    assert {key for key, value in created.items() if value is None} == absent


async def test_comms_campaign_created_with_a_time_is_scheduled(
    idle_api: Caller, brand: str
) -> None:
    await comms_campaign(idle_api, brand)
    request = comms_request(brand, scheduled_at="2030-01-02T05:04:05.678901+02:00")
    created = (await ok(idle_api, f"{COMMS}/CreateCampaign", request))["campaign"]
    assert (created["status"], created["scheduled_at"]) == (
        "scheduled",
        "2030-01-02T03:04:05.678901Z",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": "другое"},
        {"subject": "Other {{ name }}"},
        {"channel": "sms"},
        {"template_key": "other"},
        {"segment_criteria": CRITERIA},
        {"segment_criteria": {}},
        {"variables": VARIABLES},
        {"variables": {}},
        {"name": "two", "subject": "at once"},
    ],
    ids="+".join,
)
async def test_comms_patch_changes_the_given_fields_alone(
    idle_api: Caller, brand: str, change: dict[str, Any]
) -> None:
    criteria = {"==": [{"var": "plan"}, "free"]}
    request = comms_request(brand, segment_criteria=criteria, variables={"a": 1})
    before = (await ok(idle_api, f"{COMMS}/CreateCampaign", request))["campaign"]
    after = (await ok(idle_api, f"{COMMS}/UpdateCampaign", {"id": before["id"], **change}))[
        "campaign"
    ]
    assert after["updated_at"] > before["updated_at"]
    assert same_json(after, {**before, **change, "updated_at": after["updated_at"]})
    assert same_json(await campaign(idle_api, COMMS, before["id"]), after)


async def test_messaging_patch_leaves_what_is_not_given(idle_api: Caller, brand: str) -> None:
    before = await ok(
        idle_api,
        f"{MESSAGING}/CreateCampaign",
        await messaging_request(idle_api, brand, description="words"),
    )
    after = await ok(
        idle_api, f"{MESSAGING}/UpdateCampaign", {"id": before["id"], "name": "renamed"}
    )
    assert after == {**before, "name": "renamed", "updated_at": after["updated_at"]}


async def test_messaging_patch_with_an_empty_description_takes_it_away(
    idle_api: Caller, brand: str
) -> None:
    request = await messaging_request(idle_api, brand, description="words")
    campaign_id = (await ok(idle_api, f"{MESSAGING}/CreateCampaign", request))["id"]
    assert (
        await ok(idle_api, f"{MESSAGING}/UpdateCampaign", {"id": campaign_id, "description": ""})
    )["description"] is None
    assert (await campaign(idle_api, MESSAGING, campaign_id))["description"] is None


async def test_messaging_patch_moves_to_another_segment(idle_api: Caller, brand: str) -> None:
    campaign_id = await messaging_campaign(idle_api, brand)
    other = await put_segment(idle_api, brand, CRITERIA)
    assert (
        await ok(idle_api, f"{MESSAGING}/UpdateCampaign", {"id": campaign_id, "segment_id": other})
    )["segment_id"] == other


async def test_refused_patch_changes_nothing(idle_api: Caller, brand: str) -> None:
    campaign_id = await comms_campaign(idle_api, brand)
    before = await campaign(idle_api, COMMS, campaign_id)
    answer = await idle_api.call(
        f"{COMMS}/UpdateCampaign", {"id": campaign_id, "name": "good", "subject": "bad\nsubject"}
    )
    assert (answer.status, answer.fields) == (422, {"subject"})
    assert await campaign(idle_api, COMMS, campaign_id) == before


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_list_is_newest_first_and_filters_by_status(
    idle_api: Caller, brand: str, face: str
) -> None:
    made = [(status, await campaign_in(idle_api, brand, face, status)) for status in STATUSES * 2]
    assert await listed(idle_api, face) == [campaign_id for _, campaign_id in reversed(made)]
    for status in STATUSES:
        wanted = [campaign_id for each, campaign_id in reversed(made) if each == status]
        assert await listed(idle_api, face, brand_id=brand, status=status) == wanted
    assert await listed(idle_api, face, status="sent") == []


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_listed_campaign_is_the_one_that_get_reads(
    idle_api: Caller, brand: str, face: str
) -> None:
    campaign_id = await campaign_in(idle_api, brand, face, "scheduled")
    assert (await ok(idle_api, f"{face}/ListCampaigns", {}))[LISTED[face]] == [
        await campaign(idle_api, face, campaign_id)
    ]


@pytest.mark.parametrize(("made_by", "seen_by"), [(COMMS, MESSAGING), (MESSAGING, COMMS)])
async def test_one_face_does_not_show_campaigns_of_the_other(
    idle_api: Caller, brand: str, made_by: str, seen_by: str
) -> None:
    campaign_id = await campaign_in(idle_api, brand, made_by, "draft")
    assert await listed(idle_api, seen_by) == []
    for operation in ("GetCampaign", "UpdateCampaign", "CancelCampaign", "DeleteCampaign"):
        answer = await idle_api.call(f"{seen_by}/{operation}", {"id": campaign_id})
        assert (answer.status, answer.error) == (404, "campaign_not_found")
    assert (await campaign(idle_api, made_by, campaign_id))["status"] == "draft"


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_deleted_campaign_is_gone(idle_api: Caller, brand: str, face: str) -> None:
    campaign_id = await campaign_in(idle_api, brand, face, "draft")
    assert await ok(idle_api, f"{face}/DeleteCampaign", {"id": campaign_id}) == {}
    for operation in ("GetCampaign", "DeleteCampaign"):
        assert (await idle_api.call(f"{face}/{operation}", {"id": campaign_id})).status == 404
    assert await listed(idle_api, face) == []


@pytest.mark.parametrize(("face", "status"), [(COMMS, 422), (MESSAGING, 400)])
async def test_token_of_two_brands_must_say_which_to_list(
    idle: Running, idle_api: Caller, brand: str, face: str, status: int
) -> None:
    both = idle.token(brand, f"other-{brand}")
    answer = await idle_api.call(f"{face}/ListCampaigns", {}, token=both)
    assert (answer.status, answer.fields) == (status, {"brand_id"})
    assert (
        await idle_api.call(f"{face}/ListCampaigns", {"brand_id": brand}, token=both)
    ).status == 200


async def test_a_campaign_goes_by_email_unless_a_channel_is_given(
    idle_api: Caller, brand: str
) -> None:
    request = comms_request(brand)
    del request["channel"]
    made = (await ok(idle_api, f"{COMMS}/CreateCampaign", request))["campaign"]
    assert made["channel"] == "email"


async def test_sends_of_a_campaign_are_listed_as_get_reads_them(
    idle_api: Caller, brand: str
) -> None:
    campaign_id = await comms_campaign(idle_api, brand)
    assert (await ok(idle_api, f"{COMMS}/ListCampaignHistory", {"id": campaign_id}))["sends"] == []
    request = {
        "id": campaign_id,
        "recipients": [{"person_id": "ann", "recipient": "ann@example.com"}],
    }
    send = (await ok(idle_api, f"{COMMS}/SendCampaign", request))["send"]
    assert (send["campaign_id"], send["brand_id"], send["total_recipients"]) == (
        campaign_id,
        brand,
        1,
    )
    assert (await ok(idle_api, f"{COMMS}/ListCampaignHistory", {"id": campaign_id}))["sends"] == [
        send
    ]
    assert (await ok(idle_api, f"{COMMS}/GetSend", {"id": send["id"]}))["send"] == send


async def test_send_read_by_either_face_has_the_same_counts(idle_api: Caller, brand: str) -> None:
    campaign_id = await comms_campaign(idle_api, brand)
    request = {
        "id": campaign_id,
        "recipients": [{"person_id": "ann", "recipient": "ann@example.com"}] * 3,
    }
    send = (await ok(idle_api, f"{COMMS}/SendCampaign", request))["send"]
    same = await ok(idle_api, "messaging.SendService/GetSend", {"id": send["id"]})
    shared = (
        "id",
        "campaign_id",
        "brand_id",
        "status",
        "total_recipients",
        "started_at",
        "completed_at",
        "created_by",
        "created_at",
    )
    assert {key: same[key] for key in shared} == {key: send[key] for key in shared}
    assert (
        same["total_recipients"],
        same["sent_count"],
        same["failed_count"],
        same["skipped_count"],
    ) == (3, 0, 0, 2)


async def test_unscheduled_campaign_has_no_time(idle_api: Caller, brand: str) -> None:
    campaign_id = await campaign_in(idle_api, brand, MESSAGING, "scheduled")
    assert (await campaign(idle_api, MESSAGING, campaign_id))["scheduled_at"] is not None
    assert (await ok(idle_api, f"{MESSAGING}/UnscheduleCampaign", {"id": campaign_id}))[
        "scheduled_at"
    ] is None


async def test_rescheduled_campaign_has_the_new_time(idle_api: Caller, brand: str) -> None:
    campaign_id = await campaign_in(idle_api, brand, MESSAGING, "scheduled")
    moved = instant(FAR * 2)
    after = await ok(
        idle_api, f"{MESSAGING}/ScheduleCampaign", {"id": campaign_id, "scheduled_at": moved}
    )
    assert (after["status"], after["scheduled_at"]) == ("scheduled", moved)
