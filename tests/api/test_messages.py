"""Messages: accepting, reading, listing and cancelling them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_campaigns import VARIABLES
from tests.support.api.callers import Caller
from tests.support.api.deliveries import (
    MESSAGES,
    attempts,
    ended,
    message,
    messages_of,
    one_off,
    schedule,
)
from tests.support.api.scenes import COMMS, FAR, comms_campaign, instant, ok, put_template

ADDRESSES = {
    "email": "zoë@xn--exmple-cua.com",
    "sms": "+351210000001",
    "push": "device-1",
    "in_app": "Ann Ünï/ço?de",
}


async def send_to(api: Caller, brand: str, *person_ids: str) -> dict[str, Any]:
    """A started comms send."""
    campaign_id = await comms_campaign(api, brand)
    recipients = [
        {"person_id": person_id, "recipient": f"{person_id}@example.com"}
        for person_id in person_ids
    ]
    send: dict[str, Any] = (
        await ok(api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients})
    )["send"]
    return send


@pytest.mark.parametrize("channel", ADDRESSES)
async def test_message_reads_back_as_written(idle_api: Caller, brand: str, channel: str) -> None:
    await put_template(idle_api, brand, channel)
    request = one_off(
        brand,
        channel=channel,
        recipient=ADDRESSES[channel],
        person_id="Ann Ünï/ço?de",
        dedup_key="clé ✓ " + "x" * 190,
    )
    created = await ok(
        idle_api, f"{MESSAGES}/ScheduleMessage", {**request, "variables": VARIABLES, "hipaa": True}
    )
    assert {key: created[key] for key in request if key != "scheduled_at"} == {
        key: request[key] for key in request if key != "scheduled_at"
    }
    assert created["status"] == "pending"
    assert await message(idle_api, created["id"]) == created


async def test_what_a_pending_message_has_not_is_null(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    created = await schedule(idle_api, brand)
    assert {key for key, value in created.items() if value is None} == {
        "sent_at",
        "cancelled_at",
        "failure_reason",
    }
    assert await attempts(idle_api, created["id"]) == []


async def test_due_time_is_kept_to_the_microsecond_in_utc(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    created = await schedule(idle_api, brand, scheduled_at="2030-06-07T01:30:00.000001-09:30")
    assert created["scheduled_at"] == "2030-06-07T11:00:00.000001Z"


async def test_lists_filter_by_person_send_status_and_dedup_key(
    idle_api: Caller, brand: str
) -> None:
    send = await send_to(idle_api, brand, "ann", "bob", "ann")
    single = await schedule(idle_api, brand, person_id="ann", dedup_key="single")
    other = await schedule(idle_api, brand, person_id="bob", dedup_key="other")
    await ok(idle_api, f"{MESSAGES}/CancelMessage", {"id": other["id"]})

    async def count(**where: Any) -> int:
        return len(await messages_of(idle_api, **where))

    assert await count() == await count(brand_id=brand) == 5
    assert (
        await count(person_id="ann"),
        await count(person_id="bob"),
        await count(person_id="an"),
    ) == (3, 2, 0)
    assert (await count(send_id=send["id"]), await count(send_id="no-such-send")) == (3, 0)
    assert [
        await count(status=status) for status in ("pending", "skipped", "cancelled", "sent")
    ] == [3, 1, 1, 0]
    assert [found["id"] for found in await messages_of(idle_api, dedup_key="single")] == [
        single["id"]
    ]
    assert await count(send_id=send["id"], person_id="ann", status="skipped") == 1
    assert await count(send_id=send["id"], dedup_key="single") == 0


async def test_lists_filter_by_address_campaign_channel_reason_and_time(
    idle_api: Caller, brand: str
) -> None:
    send = await send_to(idle_api, brand, "ann", "bob", "ann")
    await put_template(idle_api, brand, "sms")
    single = await schedule(
        idle_api, brand, channel="sms", recipient="+351210000001", dedup_key="single"
    )
    created = single["created_at"]
    for where, count in (
        ({"recipient": "Ann@Example.COM"}, 2),
        ({"recipient": "ann@example.com", "channel": "sms"}, 0),
        ({"recipient": "+351 21 000 0001"}, 1),
        ({"recipient": "nobody"}, 0),
        ({"campaign_id": send["campaign_id"]}, 3),
        ({"campaign_id": send["campaign_id"], "person_id": "ann", "status": "pending"}, 1),
        ({"campaign_id": "no-such-campaign"}, 0),
        ({"channel": "sms"}, 1),
        ({"channel": "push"}, 0),
        ({"reason": "duplicate"}, 1),
        ({"created_after": created}, 1),
        ({"created_before": created}, 3),
        ({"created_after": created, "created_before": instant(FAR)}, 1),
    ):
        assert len(await messages_of(idle_api, **where)) == count, where
    answer = await idle_api.call(
        f"{MESSAGES}/ListMessages", {"created_after": created, "created_before": created}
    )
    assert (answer.status, answer.fields) == (422, {"created_before"})


async def test_scheduled_lists_one_offs_and_recent_lists_all_in_short(
    idle_api: Caller, brand: str
) -> None:
    await send_to(idle_api, brand, "ann", "bob")
    made = [await schedule(idle_api, brand, dedup_key=f"key-{number}") for number in range(2)]
    gone = await ok(idle_api, f"{MESSAGES}/CancelMessage", {"id": made[0]["id"]})

    async def scheduled(**where: Any) -> Any:
        return (await ok(idle_api, f"{MESSAGES}/ListScheduledMessages", where))["data"]

    assert await scheduled() == [made[1], gone]
    assert await scheduled(status="cancelled", brand_id=brand) == [gone]
    recent = await ok(idle_api, f"{MESSAGES}/ListRecentMessages", {"limit": 3})
    shown = await messages_of(idle_api)
    assert [each["message_id"] for each in recent["messages"]] == [each["id"] for each in shown[:3]]
    assert recent["next_page_token"]
    answer = await idle_api.call(
        f"{MESSAGES}/ListRecentMessages", {"limit": 3, "page_size": 3, "brand_id": brand}
    )
    assert (answer.status, answer.fields) == (422, {"page_size"})


async def test_a_message_in_short_names_its_provider_once_one_was_called(
    api: Caller, brand: str
) -> None:
    await put_template(api, brand)
    waits = await schedule(api, brand, scheduled_at=instant(FAR))
    sent = await ended(api, (await schedule(api, brand, dedup_key="key-2"))["id"])
    for each, provider in ((waits, None), (sent, "email_outbox")):
        assert await ok(api, f"{MESSAGES}/GetMessage", {"id": each["id"]}) == {
            "message_id": each["id"],
            "dedup_key": each["dedup_key"],
            "channel": "email",
            "status": each["status"],
            "provider": provider,
        }


async def test_list_is_newest_first_and_shows_what_get_reads(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    made = [await schedule(idle_api, brand, dedup_key=f"key-{number}") for number in range(4)]
    assert await messages_of(idle_api) == made[::-1]


async def test_messages_of_a_send_are_rows_with_their_reasons(idle_api: Caller, brand: str) -> None:
    send = await send_to(idle_api, brand, "ann", "ann")
    rows = await messages_of(idle_api, send_id=send["id"])
    assert sorted(
        (row["status"], row["failure_reason"]) for row in rows if row["status"] == "skipped"
    ) == [("skipped", "duplicate")]
    assert {
        (row["person_id"], row["recipient"], row["dedup_key"], row["template_key"]) for row in rows
    } == {("ann", "ann@example.com", "", "welcome")}


async def test_cancelled_message_stays_cancelled_and_gives_the_same_answer_again(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    created = await schedule(idle_api, brand, scheduled_at=instant(FAR))
    cancelled = await ok(idle_api, f"{MESSAGES}/CancelMessage", {"id": created["id"]})
    assert cancelled == {
        **created,
        "status": "cancelled",
        "cancelled_at": cancelled["cancelled_at"],
    }
    assert cancelled["cancelled_at"] is not None
    again = await idle_api.call(f"{MESSAGES}/CancelMessage", {"id": created["id"]})
    assert (again.status, again.body) == (200, cancelled)
    assert await message(idle_api, created["id"]) == cancelled


async def test_skipped_message_cannot_be_cancelled(idle_api: Caller, brand: str) -> None:
    send = await send_to(idle_api, brand, "ann", "ann")
    (skipped,) = await messages_of(idle_api, send_id=send["id"], status="skipped")
    answer = await idle_api.call(f"{MESSAGES}/CancelMessage", {"id": skipped["id"]})
    assert (answer.status, answer.error, answer.body["details"]) == (
        409,
        "message_state",
        {"status": "skipped"},
    )


async def test_sent_message_cannot_be_cancelled(api: Caller, brand: str) -> None:
    await put_template(api, brand)
    sent = await ended(api, (await schedule(api, brand))["id"])
    assert sent["status"] == "sent"
    answer = await api.call(f"{MESSAGES}/CancelMessage", {"id": sent["id"]})
    assert (answer.status, answer.error, answer.body["details"]) == (
        409,
        "message_state",
        {"status": "sent"},
    )
    assert await message(api, sent["id"]) == sent


async def test_one_message_of_a_send_can_be_cancelled_and_is_counted(
    idle_api: Caller, brand: str
) -> None:
    send = await send_to(idle_api, brand, "ann", "bob")
    first, _ = await messages_of(idle_api, send_id=send["id"])
    await ok(idle_api, f"{MESSAGES}/CancelMessage", {"id": first["id"]})
    found = await ok(idle_api, "messaging.SendService/GetSendReport", {"id": send["id"]})
    assert (found["total"], found["pending"], found["cancelled"]) == (2, 1, 1)
