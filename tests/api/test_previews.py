"""Previews: what they count is what a send right after them does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    comms_campaign,
    messaging_campaign,
    ok,
    put_person,
    put_segment,
)
from tests.support.api.suppressing import SUPPRESSIONS, suppress, take_silence_for_consent

SEGMENTS = "messaging.SegmentService"
REASONS = ("unsubscribe", "manual", "hard_bounce", "complaint")
CHANNELS = ("email", "sms", "push", "in_app")


async def populate(api: Caller, brand: str, count: int = 30) -> None:
    """People of every kind: with and without addresses, suppressed for every reason."""
    await take_silence_for_consent(api, brand)
    people, suppressions = [], []
    for number in range(count):
        person_id = f"P-{number:02}"
        known: dict[str, Any] = {
            "email": None if number % 5 == 0 else f"Ann.{number}@Example.com",
            "phone": None if number % 4 == 1 else f"+120255501{number:02}",
            "push_tokens": [] if number % 3 == 1 else [f"device-{number}", f"device-{number}-old"],
        }
        people.append(
            {
                "person_id": person_id,
                "attributes": {"plan": "pro" if number % 2 else "free"},
                **known,
            }
        )
        addresses = {
            "email": f"ANN.{number}@example.com",
            "sms": f"+120255501{number:02}",
            "push": f"device-{number}",
            "in_app": person_id,
        }
        if number % 7 in (0, 3):
            suppressions += [
                {"channel": channel, "address": address, "reason": REASONS[number % len(REASONS)]}
                for channel, address in addresses.items()
            ]
    # Of another device, and of nobody here.
    suppressions.append({"channel": "push", "address": "device-2-old", "reason": "manual"})
    suppressions.append(
        {"channel": "email", "address": "stranger@example.com", "reason": "complaint"}
    )
    await ok(api, "messaging.PersonService/BatchPutPeople", {"brand_id": brand, "people": people})
    await ok(
        api,
        f"{SUPPRESSIONS}/BatchCreateSuppressions",
        {"brand_id": brand, "suppressions": suppressions},
    )


async def outcome(api: Caller, send_id: str) -> dict[str | None, int]:
    """The messages of a send by the reason to skip them; None are those that go out."""
    report = await ok(api, "messaging.SendService/GetSendReport", {"id": send_id})
    assert {row["status"] for row in report["rows"] if row["reason"] is None} <= {"pending"}
    return {row["reason"]: row["count"] for row in report["rows"]}


def counted(preview: dict[str, Any]) -> dict[str | None, int]:
    """The same of a preview, whose parts must add up."""
    assert preview["total"] == preview["would_send"] + sum(
        skip["count"] for skip in preview["skips"]
    )
    assert [skip["reason"] for skip in preview["skips"]] == sorted(
        skip["reason"] for skip in preview["skips"]
    )
    counts: dict[str | None, int] = {skip["reason"]: skip["count"] for skip in preview["skips"]}
    return {None: preview["would_send"], **counts} if preview["would_send"] else counts


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    "criteria", [{}, {"==": [{"var": "plan"}, "pro"]}], ids=["everyone", "pro"]
)
async def test_publish_right_after_a_preview_gives_its_numbers(
    idle_api: Caller, brand: str, channel: str, criteria: dict[str, Any]
) -> None:
    await populate(idle_api, brand)
    campaign_id = await messaging_campaign(idle_api, brand, channel, criteria)
    preview = (await ok(idle_api, f"{MESSAGING}/PreviewCampaign", {"id": campaign_id}))["preview"]
    request = {"brand_id": brand, "predicate": criteria, "channel": channel}
    assert (await ok(idle_api, f"{SEGMENTS}/PreviewPredicate", request))["audience"] == preview
    assert len(counted(preview)) == (2 if channel == "in_app" else 3), "the population has them all"

    send = await ok(
        idle_api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"}
    )
    assert await outcome(idle_api, send["id"]) == counted(preview)
    messages = await ok(
        idle_api,
        "comms.MessageService/ListMessages",
        {"brand_id": brand, "send_id": send["id"], "page_size": 200},
    )
    by_person = {each["person_id"]: each["failure_reason"] for each in messages["data"]}
    assert [(each["person_id"], each["skip_reason"]) for each in preview["sample"]] == sorted(
        by_person.items()
    )[:20]


async def test_a_send_to_recipients_right_after_its_preview_gives_its_numbers(
    idle_api: Caller, brand: str
) -> None:
    await populate(idle_api, brand, 12)
    people = [
        {"person_id": f"x{number % 9}", "recipient": f"ann.{number % 11}@EXAMPLE.com"}
        for number in range(40)
    ]
    campaign_id = await comms_campaign(idle_api, brand)
    request = {"id": campaign_id, "recipients": people}
    preview = (await ok(idle_api, f"{COMMS}/PreviewCampaign", request))["preview"]
    assert len(preview["sample"]) == 20
    assert set(counted(preview)) == {None, "suppressed", "duplicate"}
    send = (await ok(idle_api, f"{COMMS}/SendCampaign", request))["send"]
    assert await outcome(idle_api, send["id"]) == counted(preview)


async def test_duplicates_and_blanks_of_publish_are_in_its_preview(
    idle_api: Caller, brand: str
) -> None:
    await suppress(idle_api, brand, "bob@example.com", "unsubscribe")
    people = [
        {"person_id": "cem", "recipient": "cem@example.com"},
        {"person_id": "ann", "recipient": "ann@example.com"},
        {"person_id": "ann", "recipient": "ann@example.com"},
        {"person_id": "bob", "recipient": "Bob@example.com"},
        {"person_id": "bob", "recipient": "Bob@example.com"},
        {"person_id": "dan", "recipient": " "},
    ]
    campaign_id = await messaging_campaign(idle_api, brand)
    request = {"id": campaign_id, "recipients": people}
    preview = (await ok(idle_api, f"{MESSAGING}/PreviewCampaign", request))["preview"]
    assert preview["skips"] == [
        {"reason": "duplicate", "count": 2},
        {"reason": "invalid_recipient", "count": 1},
        {"reason": "suppressed", "count": 1},
    ]
    assert (preview["total"], preview["would_send"]) == (6, 2)
    assert [(each["person_id"], each["skip_reason"]) for each in preview["sample"]] == [
        ("ann", None), ("ann", "duplicate"), ("bob", "suppressed"), ("bob", "duplicate"),
        ("cem", None), ("dan", "invalid_recipient")
    ]  # fmt: skip
    send = await ok(idle_api, f"{MESSAGING}/PublishCampaign", request)
    assert await outcome(idle_api, send["id"]) == counted(preview)


async def test_a_comms_preview_without_recipients_counts_the_criteria(
    idle_api: Caller, brand: str
) -> None:
    await populate(idle_api, brand, 10)
    campaign_id = await comms_campaign(
        idle_api, brand, segment_criteria={"==": [{"var": "plan"}, "pro"]}
    )
    preview = (await ok(idle_api, f"{COMMS}/PreviewCampaign", {"id": campaign_id}))["preview"]
    # Of the odd numbers below 10, 5 has no address, 3 and 7 are suppressed.
    assert counted(preview) == {None: 2, "no_address": 1, "suppressed": 2}


async def test_a_comms_preview_refuses_blank_recipients_as_send_does(
    idle_api: Caller, brand: str
) -> None:
    campaign_id = await comms_campaign(idle_api, brand)
    request = {"id": campaign_id, "recipients": [{"person_id": "ann", "recipient": ""}]}
    preview, send = [
        await idle_api.call(f"{COMMS}/{verb}", request)
        for verb in ("PreviewCampaign", "SendCampaign")
    ]
    assert (preview.status, preview.body) == (send.status, send.body) == (422, preview.body)
    assert preview.fields == {"recipients[0].recipient"}


async def test_a_person_without_an_address_is_not_also_suppressed(
    idle_api: Caller, brand: str
) -> None:
    await put_person(idle_api, brand, "ann", email=None)
    request = {"brand_id": brand, "predicate": {}, "channel": "email"}
    assert (await ok(idle_api, f"{SEGMENTS}/PreviewPredicate", request))["audience"]["sample"] == [
        {"person_id": "ann", "skip_reason": "no_address"}
    ]


async def test_an_empty_audience_is_all_zeros(idle_api: Caller, brand: str) -> None:
    request = {"brand_id": brand, "predicate": {}, "channel": "email"}
    assert (await ok(idle_api, f"{SEGMENTS}/PreviewPredicate", request))["audience"] == {
        "total": 0,
        "would_send": 0,
        "skips": [],
        "sample": [],
        "rounded": False,
    }


async def test_a_segment_is_previewed_as_its_predicate_is(idle_api: Caller, brand: str) -> None:
    await populate(idle_api, brand, 10)
    predicate = {"==": [{"var": "plan"}, "pro"]}
    segment_id = await put_segment(idle_api, brand, predicate)
    by_id = await ok(idle_api, f"{SEGMENTS}/PreviewSegment", {"id": segment_id, "channel": "email"})
    by_predicate = await ok(
        idle_api,
        f"{SEGMENTS}/PreviewPredicate",
        {"brand_id": brand, "predicate": predicate, "channel": "email"},
    )
    assert by_id == {"segment_id": segment_id, "rounded": False, **by_predicate}
    assert (by_id["count"], by_id["audience"]["total"]) == (5, 5)
    assert by_id["sample_ids"] == ["P-01", "P-03", "P-05", "P-07", "P-09"]
    assert by_id["explain"] == 'Everybody for whom plan is "pro".'


async def test_without_a_channel_a_preview_says_who_is_in_it_and_no_more(
    idle_api: Caller, brand: str
) -> None:
    await populate(idle_api, brand, 25)
    segment_id = await put_segment(idle_api, brand)
    assert await ok(idle_api, f"{SEGMENTS}/PreviewSegment", {"id": segment_id}) == {
        "segment_id": segment_id,
        "count": 25,
        "sample_ids": [f"P-{number:02}" for number in range(20)],
        "explain": "Everybody in the brand.",
        "audience": None,
        "rounded": False,
    }


async def test_what_cannot_be_previewed_is_refused(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    for request, field in (
        ({"brand_id": brand}, "predicate"),
        ({"brand_id": brand, "predicate": {"==": [1]}}, "predicate.=="),
    ):
        answer = await idle_api.call(f"{SEGMENTS}/PreviewPredicate", request)
        assert (answer.status, answer.fields) == (400, {field})
    segment_id = await put_segment(idle_api, brand)
    stranger = idle.token(f"{brand}-other")
    for request in ({"id": segment_id}, {"id": "no-such-segment"}):
        answer = await idle_api.call(f"{SEGMENTS}/PreviewSegment", request, token=stranger)
        assert (answer.status, answer.error) == (404, "segment_not_found")


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_a_preview_changes_nothing(idle_api: Caller, brand: str, face: str) -> None:
    await put_person(idle_api, brand, "ann")
    campaign_id = await (comms_campaign if face == COMMS else messaging_campaign)(idle_api, brand)
    was = await ok(idle_api, f"{face}/GetCampaign", {"id": campaign_id})
    first = await ok(idle_api, f"{face}/PreviewCampaign", {"id": campaign_id})
    assert await ok(idle_api, f"{face}/PreviewCampaign", {"id": campaign_id}) == first
    assert await ok(idle_api, f"{face}/GetCampaign", {"id": campaign_id}) == was
    assert (await ok(idle_api, "comms.MessageService/ListMessages", {"brand_id": brand}))[
        "data"
    ] == []
