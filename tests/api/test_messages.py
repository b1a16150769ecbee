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
