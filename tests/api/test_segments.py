"""Segments: what is written is what is read, and what an archived one still does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_campaigns import same_json
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_segment,
    put_template,
    recipients,
    until,
)

SEGMENTS = "messaging.SegmentService"
CRITERIA: list[dict[str, Any]] = [
    {},
    {"==": [{"var": "plan"}, "pro"]},
    {"==": ["прó", {"var": "nested.plan"}]},
    {"==": [{"var": "age"}, 42]},
    {"==": [{"var": "score"}, 0.5]},
    {"==": [{"var": "vip"}, True]},
    {"==": [{"var": "left_at"}, None]},
]


@pytest.mark.parametrize("criteria", CRITERIA, ids=str)
async def test_segment_reads_back_as_written(
    idle_api: Caller, brand: str, criteria: dict[str, Any]
) -> None:
    request = {
        "brand_id": brand,
        "name": "Proféssionals ✓",
        "description": "Who pays",
        "predicate": criteria,
    }
    created = await ok(idle_api, f"{SEGMENTS}/CreateSegment", request)
    assert same_json({key: created[key] for key in request}, request)
    assert created["created_by"] == "tester"
    assert same_json(await ok(idle_api, f"{SEGMENTS}/GetSegment", {"id": created["id"]}), created)


async def test_a_new_segment_is_active_and_has_no_description(idle_api: Caller, brand: str) -> None:
    request = {"brand_id": brand, "name": "all", "predicate": {}}
    created = await ok(idle_api, f"{SEGMENTS}/CreateSegment", request)
    assert (created["status"], created["description"]) == ("active", None)
    assert created["created_at"] == created["updated_at"]


async def test_segments_are_listed_newest_first(idle_api: Caller, brand: str) -> None:
    made = [
        await ok(
            idle_api,
            f"{SEGMENTS}/CreateSegment",
            {"brand_id": brand, "name": str(number), "predicate": {}},
        )
        for number in range(3)
    ]
    assert await ok(idle_api, f"{SEGMENTS}/ListSegments", {}) == {
        "items": made[::-1],
        "next_page_token": "",
    }


async def test_segment_of_another_brand_does_not_exist(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    created = await ok(
        idle_api, f"{SEGMENTS}/CreateSegment", {"brand_id": brand, "name": "all", "predicate": {}}
    )
    stranger = idle.token(f"other-{brand}")
    answer = await idle_api.call(f"{SEGMENTS}/GetSegment", {"id": created["id"]}, token=stranger)
    assert (answer.status, answer.error) == (404, "segment_not_found")
    assert (await idle_api.call(f"{SEGMENTS}/ListSegments", {}, token=stranger)).body["items"] == []


async def archived(api: Caller, segment_id: str) -> dict[str, Any]:
    return await ok(api, f"{SEGMENTS}/ArchiveSegment", {"id": segment_id})


async def test_archiving_is_once_and_for_all_and_listed(idle_api: Caller, brand: str) -> None:
    segment_id, other = await put_segment(idle_api, brand), await put_segment(idle_api, brand)
    was = await ok(idle_api, f"{SEGMENTS}/GetSegment", {"id": segment_id})
    now = await archived(idle_api, segment_id)
    assert now == {**was, "status": "archived", "updated_at": now["updated_at"]}
    assert now["updated_at"] > was["updated_at"]
    assert await archived(idle_api, segment_id) == now
    for status, ids in (("active", [other]), ("archived", [segment_id])):
        listed = await ok(idle_api, f"{SEGMENTS}/ListSegments", {"status": status})
        assert [each["id"] for each in listed["items"]] == ids
    entries = await ok(idle_api, "ops.AuditService/ListAuditEntries", {"subject_id": segment_id})
    assert [entry["action"] for entry in entries["audit_entries"]] == [
        "segment_archived",
        "segment_created",
    ]


async def test_nothing_new_goes_to_an_archived_segment(idle_api: Caller, brand: str) -> None:
    campaign_id = await messaging_campaign(idle_api, brand)
    other = await messaging_campaign(idle_api, brand)
    campaign = await ok(idle_api, f"{MESSAGING}/GetCampaign", {"id": campaign_id})
    segment_id = campaign["segment_id"]
    await archived(idle_api, segment_id)
    for name, request in (
        ("CreateCampaign", {"brand_id": brand, "name": "news", "segment_id": segment_id}),
        ("UpdateCampaign", {"id": other, "segment_id": segment_id}),
    ):
        answer = await idle_api.call(f"{MESSAGING}/{name}", request)
        assert (answer.status, answer.fields) == (400, {"segment_id"}), name
    for name, request in (
        ("ScheduleCampaign", {"id": campaign_id, "scheduled_at": instant(FAR)}),
        ("PublishCampaign", {"id": campaign_id, "audience": "segment"}),
    ):
        answer = await idle_api.call(f"{MESSAGING}/{name}", request)
        assert (answer.status, answer.error) == (412, "segment_archived"), name
    assert await ok(idle_api, f"{MESSAGING}/GetCampaign", {"id": campaign_id}) == campaign
    # Recipients that are given do not ask the segment.
    send = {"id": campaign_id, "recipients": recipients(1)}
    assert (await idle_api.call(f"{MESSAGING}/PublishCampaign", send)).status == 202


async def test_a_send_that_has_started_goes_on_when_its_segment_is_archived(
    running: Running, api: Caller, brand: str
) -> None:
    await put_person(api, brand, "ann")
    campaign_id = await messaging_campaign(api, brand)
    segment_id = (await ok(api, f"{MESSAGING}/GetCampaign", {"id": campaign_id}))["segment_id"]
    publish = {"id": campaign_id, "audience": "segment"}
    send_id = (await ok(api, f"{MESSAGING}/PublishCampaign", publish))["id"]
    await archived(api, segment_id)

    async def send() -> dict[str, Any]:
        return await ok(api, "messaging.SendService/GetSend", {"id": send_id})

    assert (await until(running, send, "status", "completed"))["sent_count"] == 1


async def test_a_segment_asks_what_people_were_sent(
    running: Running, api: Caller, brand: str
) -> None:
    for person_id in ("ann", "bob"):
        await put_person(api, brand, person_id)
    campaign_id = await messaging_campaign(api, brand, name="First news")
    ann = {"person_id": "ann", "recipient": "ann@example.com"}
    send_id = (
        await ok(api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "recipients": [ann]})
    )["id"]

    async def send() -> dict[str, Any]:
        return await ok(api, "messaging.SendService/GetSend", {"id": send_id})

    await until(running, send, "status", "completed")
    for predicate, person_id, words in (
        ({"received": campaign_id}, "ann", "was"),
        ({"!": {"received": campaign_id}}, "bob", "was not"),
    ):
        segment_id = await put_segment(api, brand, predicate)
        preview = await ok(api, f"{SEGMENTS}/PreviewSegment", {"id": segment_id})
        assert preview["sample_ids"] == [person_id]
        assert (
            preview["explain"]
            == f'Everybody for whom the campaign "First news" {words} sent to them.'
        )


async def test_campaigns_of_others_are_not_asked_about(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    campaign_id = await messaging_campaign(idle_api, brand)
    other, both = f"other-{brand}", idle.token(brand, f"other-{brand}")
    document = {"and": [{"received": campaign_id}, {"!": {"received": "no-such-campaign"}}]}
    fields = {"and[0].received", "and[1].!.received"}
    await put_template(idle_api, brand)
    comms = {"brand_id": other, "name": "n", "subject": "s", "template_key": "welcome"}
    for name, request, field in (
        (f"{SEGMENTS}/CreateSegment", {"brand_id": other, "name": "n"}, "predicate"),
        (f"{SEGMENTS}/PreviewPredicate", {"brand_id": other}, "predicate"),
        (f"{COMMS}/CreateCampaign", comms, "segment_criteria"),
    ):
        answer = await idle_api.call(name, {**request, field: document}, token=both)
        assert answer.error == "validation_failed", name
        assert answer.fields == {f"{field}.{path}" for path in fields}, name
