"""Suppressions through the API: strength, batches, look-ups, brands; and whom a campaign then
skips."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from server.commands.sends.resolve_audience import BATCH
from tests.support.api.callers import Caller
from tests.support.api.deliveries import SENDS
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    comms_campaign,
    messaging_campaign,
    ok,
    put_person,
    until,
)
from tests.support.api.suppressing import (
    SUPPRESSIONS,
    find,
    found,
    suppress,
    take_silence_for_consent,
)

REASONS = ["unsubscribe", "manual", "hard_bounce", "complaint"]


async def listed(api: Caller, **where: Any) -> list[str]:
    """Addresses in the order of the list, over as many pages as it takes."""
    found, token = [], ""
    while True:
        page = await ok(api, f"{SUPPRESSIONS}/ListSuppressions", {**where, "page_token": token})
        found += [each["address"] for each in page["data"]]
        if not (token := page["next_page_token"]):
            return found


async def test_a_suppression_is_found_by_any_spelling_of_its_address(
    idle_api: Caller, brand: str
) -> None:
    request = {"brand_id": brand, "email": " Ann@Example.COM ", "reason": "manual", "source": "us"}
    made = await idle_api.call(f"{SUPPRESSIONS}/CreateSuppression", request)
    assert made.status == 200
    assert made.body | {"id": "", "suppressed_at": ""} == {
        "id": "", "brand_id": brand, "channel": "email", "address": "ann@example.com",
        "email": "ann@example.com", "reason": "manual", "source": "us", "suppressed_at": "",
        "lifted_at": None,
    }  # fmt: skip
    assert await found(idle_api, brand, "ANN@example.com") == made.body
    assert (
        await ok(
            idle_api,
            f"{SUPPRESSIONS}/GetSuppression",
            {"brand_id": brand, "email": "ann@Example.com"},
        )
    )["suppression"] == made.body
    phone = await suppress(idle_api, brand, "+1 202-555-0123", "manual", channel="sms")
    assert (phone.body["address"], phone.body["email"]) == ("+12025550123", "")
    assert await found(idle_api, brand, "+12025550123", channel="sms") == phone.body


async def test_an_address_comes_in_one_way(idle_api: Caller, brand: str) -> None:
    good = {"brand_id": brand, "reason": "manual", "source": "test"}
    for bad, fields in (
        ({}, {"email"}),
        ({"email": "a@b.example", "address": "a@b.example", "channel": "email"}, {"address"}),
        ({"email": "a@b.example", "channel": "sms"}, {"channel"}),
        ({"address": "a@b.example"}, {"channel"}),
        ({"email": "nobody"}, {"email"}),
        ({"address": "nobody", "channel": "email"}, {"address"}),
    ):
        answer = await idle_api.call(f"{SUPPRESSIONS}/CreateSuppression", good | bad)
        assert (answer.status, answer.fields) == (422, fields), bad
    assert await listed(idle_api, brand_id=brand) == []


async def test_one_that_is_not_there_is_no_suppression(idle_api: Caller, brand: str) -> None:
    await suppress(idle_api, brand, "ann@example.com", "manual")
    for address, channel in (("bob@example.com", "email"), ("ann@example.com", "push")):
        answer = await find(idle_api, brand, address, channel)
        assert (answer.status, answer.body) == (200, {"suppressed": False, "suppression": None})


async def test_only_a_stronger_reason_replaces_one(idle_api: Caller, brand: str) -> None:
    for first, second in product(REASONS, REASONS):
        address = f"{first}.{second}@example.com"
        was = (await suppress(idle_api, brand, address, first, source="first")).body
        now = (await suppress(idle_api, brand, address, second, source="second")).body
        stronger = REASONS.index(second) > REASONS.index(first)
        assert now == (was | {"reason": second, "source": "second"} if stronger else was)
        assert await found(idle_api, brand, address) == now


async def test_a_batch_does_as_its_parts_would_also_where_it_repeats_itself(
    idle_api: Caller, brand: str
) -> None:
    kept = (await suppress(idle_api, brand, "ann@example.com", "complaint", source="before")).body
    batch = [
        {"channel": "email", "address": "ANN@example.com", "reason": "unsubscribe"},
        {"channel": "email", "address": "bob@example.com", "reason": "hard_bounce", "source": "b"},
        {"channel": "email", "address": "Bob@example.com", "reason": "complaint", "source": "c"},
        {"channel": "email", "address": "bob@example.com", "reason": "manual", "source": "d"},
        {"channel": "push", "address": "bob@example.com", "reason": "manual"},
    ]
    answer = await idle_api.call(
        f"{SUPPRESSIONS}/BatchCreateSuppressions", {"brand_id": brand, "suppressions": batch}
    )
    assert (answer.status, answer.body) == (200, {"suppressions_count": 5})
    assert await found(idle_api, brand, "ann@example.com") == kept
    bob = await found(idle_api, brand, "bob@example.com")
    assert bob is not None
    assert (bob["reason"], bob["source"]) == ("complaint", "c")
    assert len(await listed(idle_api, brand_id=brand)) == 3


async def test_a_batch_with_one_bad_address_changes_nothing_and_names_its_place(
    idle_api: Caller, brand: str
) -> None:
    good = [
        {"channel": "email", "address": f"p{number}@example.com", "reason": "manual"}
        for number in range(3)
    ]
    for bad, field in (
        ({"channel": "email", "address": " ", "reason": "manual"}, "suppressions[3].address"),
        ({"channel": "email", "address": "a\nb", "reason": "manual"}, "suppressions[3].address"),
        ({"channel": "email", "address": "a" * 513, "reason": "manual"}, "suppressions[3].address"),
        (
            {
                "channel": "email",
                "address": "a@example.com",
                "reason": "manual",
                "source": "s" * 201,
            },
            "suppressions[3].source",
        ),
        ({"address": "a", "reason": "manual"}, "suppressions[3].channel"),
        ({"channel": "email", "address": "a@example.com"}, "suppressions[3].reason"),
    ):
        answer = await idle_api.call(
            f"{SUPPRESSIONS}/BatchCreateSuppressions",
            {"brand_id": brand, "suppressions": [*good, bad]},
        )
        assert (answer.status, answer.error, answer.fields) == (422, "validation_failed", {field})
    assert await listed(idle_api, brand_id=brand) == []


async def test_a_batch_is_1_to_10_000(idle_api: Caller, brand: str) -> None:
    batch = [
        {"channel": "email", "address": f"p{number}@example.com", "reason": "manual"}
        for number in range(10_001)
    ]
    for wrong in ([], batch):
        answer = await idle_api.call(
            f"{SUPPRESSIONS}/BatchCreateSuppressions", {"brand_id": brand, "suppressions": wrong}
        )
        assert (answer.status, answer.fields) == (422, {"suppressions"})
    body = await ok(
        idle_api,
        f"{SUPPRESSIONS}/BatchCreateSuppressions",
        {"brand_id": brand, "suppressions": batch[:-1]},
    )
    assert body == {"suppressions_count": 10_000}


async def test_lists_are_newest_first_in_pages_and_by_channel_and_reason(
    idle_api: Caller, brand: str
) -> None:
    for number in range(5):
        await suppress(
            idle_api, brand, f"p{number}@example.com", "manual" if number % 2 else "complaint"
        )
    await suppress(idle_api, brand, "device", "manual", channel="push")
    everything = ["device", *(f"p{number}@example.com" for number in (4, 3, 2, 1, 0))]
    assert await listed(idle_api) == everything
    assert await listed(idle_api, page_size=2) == everything
    assert await listed(idle_api, channel="email", reason="manual") == [
        "p3@example.com",
        "p1@example.com",
    ]


async def test_one_that_is_lifted_stays_and_the_next_is_another(
    idle_api: Caller, brand: str
) -> None:
    made = (await suppress(idle_api, brand, "ann@example.com", "complaint")).body
    lifted = await ok(idle_api, f"{SUPPRESSIONS}/LiftSuppression", {"id": made["id"]})
    assert lifted == made | {"lifted_at": lifted["lifted_at"]}
    assert lifted["lifted_at"] >= made["suppressed_at"]
    assert await found(idle_api, brand, "ann@example.com") is None
    assert await ok(idle_api, f"{SUPPRESSIONS}/LiftSuppression", {"id": made["id"]}) == lifted
    again = (await suppress(idle_api, brand, "ann@example.com", "unsubscribe")).body
    assert (again["reason"], again["lifted_at"]) == ("unsubscribe", None)
    assert again["id"] != made["id"]
    assert await found(idle_api, brand, "ann@example.com") == again
    assert await listed(idle_api) == ["ann@example.com"]
    assert await listed(idle_api, include_lifted=True) == ["ann@example.com"] * 2


async def test_suppressions_of_other_brands_do_not_exist(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    made = (await suppress(idle_api, brand, "ann@example.com", "manual")).body
    stranger = idle.token(f"{brand}-other")
    for name, request in (
        ("LiftSuppression", {"id": made["id"]}),
        ("GetSuppression", {"brand_id": brand, "email": "ann@example.com"}),
        ("ListSuppressions", {"brand_id": brand}),
        (
            "CreateSuppression",
            {"brand_id": brand, "email": "a@b.example", "reason": "manual", "source": "test"},
        ),
        (
            "BatchCreateSuppressions",
            {
                "brand_id": brand,
                "suppressions": [
                    {"channel": "email", "address": "a@b.example", "reason": "manual"}
                ],
            },
        ),
    ):
        assert (
            await idle_api.call(f"{SUPPRESSIONS}/{name}", request, token=stranger)
        ).status == 404, name
    request = {"email": "ann@example.com"}
    answer = await idle_api.call(f"{SUPPRESSIONS}/GetSuppression", request, token=stranger)
    assert answer.body == {"suppressed": False, "suppression": None}, "of their own brand"
    assert await listed(idle_api) == ["ann@example.com"]


async def test_a_send_to_recipients_skips_the_suppressed(idle_api: Caller, brand: str) -> None:
    for reason in REASONS:
        await suppress(idle_api, brand, f"{reason}@example.com", reason)
        await suppress(idle_api, brand, "cem@example.com", reason, channel="push")
    campaign_id = await comms_campaign(idle_api, brand)
    recipients = [
        {"person_id": name, "recipient": f"{name.title()}@Example.com"}
        for name in (*REASONS, "bob", "cem")
    ]
    send = (
        await ok(idle_api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients})
    )["send"]
    report = await ok(idle_api, "messaging.SendService/GetSendReport", {"id": send["id"]})
    assert [(row["status"], row["reason"], row["count"]) for row in report["rows"]] == [
        ("pending", None, 2),
        ("skipped", "suppressed", 4),
    ]


async def test_a_send_to_very_many_finds_the_suppressed_wherever_they_are(
    api: Caller, running: Running, brand: str
) -> None:
    places = {0, BATCH - 1, BATCH, BATCH + 1}
    batch = [
        {"channel": "email", "address": f"p{place}@example.com", "reason": "manual"}
        for place in places
    ]
    await ok(
        api,
        f"{SUPPRESSIONS}/BatchCreateSuppressions",
        {"brand_id": brand, "suppressions": batch},
    )
    campaign_id = await comms_campaign(api, brand)
    recipients = [
        {"person_id": f"p{number}", "recipient": f"P{number}@Example.com"}
        for number in range(BATCH + 2)
    ]
    send = (await ok(api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients}))[
        "send"
    ]

    async def look() -> dict[str, Any]:
        return await ok(api, f"{SENDS}/GetSend", {"id": send["id"]})

    assert (await until(running, look, "status", "completed"))["skipped_count"] == len(places)
    found = await ok(
        api,
        "comms.MessageService/ListMessages",
        {"brand_id": brand, "send_id": send["id"], "status": "skipped"},
    )
    assert {each["person_id"] for each in found["data"]} == {f"p{place}" for place in places}


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("email", "ANN@example.com"),
        ("sms", "+1 202 555 0100"),
        ("push", "device-ann"),
        ("in_app", "ann"),
    ],
)
async def test_an_audience_skips_the_suppressed_of_its_channel(
    idle_api: Caller, brand: str, channel: str, address: str
) -> None:
    await put_person(idle_api, brand, "ann", email="Ann@Example.com")
    await put_person(idle_api, brand, "bob", phone="+12025550101")
    await suppress(idle_api, brand, address, "unsubscribe", channel=channel)
    await take_silence_for_consent(idle_api, brand)
    campaign_id = await messaging_campaign(idle_api, brand, channel)
    send = await ok(
        idle_api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"}
    )
    assert (send["total_recipients"], send["skipped_count"]) == (2, 1)
    messages = (
        await ok(
            idle_api,
            "comms.MessageService/ListMessages",
            {"brand_id": brand, "send_id": send["id"]},
        )
    )["data"]
    assert {each["person_id"]: each["failure_reason"] for each in messages} == {
        "ann": "suppressed",
        "bob": None,
    }


async def test_a_suppression_outlives_its_person(idle_api: Caller, brand: str) -> None:
    await put_person(idle_api, brand, "ann")
    await suppress(idle_api, brand, "ann@example.com", "manual")
    await ok(
        idle_api, "messaging.PersonService/DeletePerson", {"brand_id": brand, "person_id": "ann"}
    )
    assert await found(idle_api, brand, "ann@example.com") is not None
