"""What deliveries leave behind, and waiting for them."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import instant, ok

MESSAGES = "comms.MessageService"
SENDS = "messaging.SendService"
ONGOING = ("pending", "sending")
STATUSES = ("pending", "in_flight", "sent", "failed", "skipped", "cancelled", "expired", "unknown")


def one_off(brand: str, **more: Any) -> dict[str, Any]:
    """A good request for a message that is due now."""
    request = {
        "brand_id": brand,
        "channel": "email",
        "template_key": "welcome",
        "recipient": "ann@example.com",
        "person_id": "ann",
    }
    return {**request, "dedup_key": "key-1", "scheduled_at": instant(), **more}


async def schedule(api: Caller, brand: str, **more: Any) -> dict[str, Any]:
    """A one-off message as accepted."""
    return await ok(api, f"{MESSAGES}/ScheduleMessage", one_off(brand, **more))


async def message(api: Caller, message_id: str) -> dict[str, Any]:
    """The message as it is now."""
    return await ok(api, f"{MESSAGES}/GetScheduledMessage", {"id": message_id})


async def ended(api: Caller, message_id: str) -> dict[str, Any]:
    """The message once it has ended. Nothing announces the end of a one-off: looks again and again,
    each look a whole call."""
    while (seen := await message(api, message_id))["status"] in ONGOING:
        pass
    return seen


async def attempts(api: Caller, message_id: str) -> list[dict[str, Any]]:
    """The provider calls made for a message."""
    found: list[dict[str, Any]] = (
        await ok(api, f"{MESSAGES}/ListMessageAttempts", {"id": message_id})
    )["attempts"]
    return found


async def messages_of(api: Caller, **where: Any) -> list[dict[str, Any]]:
    """All messages of the brand that match, over as many pages as it takes."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        page = await ok(
            api, f"{MESSAGES}/ListMessages", {**where, "page_size": 200, "page_token": token}
        )
        found += page["data"]
        if not (token := page["next_page_token"]):
            return found


async def report(api: Caller, send_id: str) -> dict[str, Any]:
    """The report of a send; its counters must add up, and agree with the rows counted one by
    one."""
    found = await ok(api, f"{SENDS}/GetSendReport", {"id": send_id})
    assert found["total"] == sum(found[status] for status in STATUSES)
    by_row = dict.fromkeys(STATUSES, 0)
    for row in found["rows"]:
        by_row["in_flight" if row["status"] == "sending" else row["status"]] += row["count"]
    assert by_row == {status: found[status] for status in STATUSES}
    return found


def mail(running: Running, message_id: str) -> EmailMessage:
    """The mail in the outbox."""
    parsed = message_from_bytes(
        (running.settings.data_dir / "outbox" / "email" / f"{message_id}.eml").read_bytes(),
        policy=policy.default,
    )
    assert isinstance(parsed, EmailMessage)
    return parsed


def mailed(running: Running) -> set[str]:
    """Ids of the messages with a mail in the outbox."""
    return {path.stem for path in (running.settings.data_dir / "outbox" / "email").glob("*.eml")}


def lines(running: Running, channel: str, message_id: str) -> list[dict[str, Any]]:
    """The lines of a message in the outbox of a channel."""
    text = (running.settings.data_dir / "outbox" / f"{channel}.jsonl").read_text("utf-8")
    return [line for line in map(json.loads, text.splitlines()) if line["message_id"] == message_id]
