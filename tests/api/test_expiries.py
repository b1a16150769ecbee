"""`expire_at` of every method that takes it: kept with what it was given for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage.model.messages import Message, MessageFilter
from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, SENDS, one_off, report, schedule
from tests.support.api.operating import publish
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    comms_campaign,
    instant,
    messaging_campaign,
    ok,
    put_template,
    recipients,
)

EXPIRY = "2031-05-06T07:08:09.123456Z"
ANOTHER = "2031-05-06T08:00:00Z"


async def stored(idle: Running, brand: str, **where: Any) -> list[Message]:
    """Messages of the brand, read past the API."""
    assert idle.service.storage is not None
    return await idle.service.storage.read(
        lambda tx: tx.messages.list_page(brand, MessageFilter(**where), None, 100)
    )


async def expiries(idle: Running, brand: str, send_id: str) -> set[str]:
    """Those of the messages of a send."""
    found = {message.expire_at for message in await stored(idle, brand, send_id=send_id)}
    return {expiry.isoformat().replace("+00:00", "Z") if expiry else "never" for expiry in found}


async def test_message_keeps_its_expiry_and_its_key_stands_for_it(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    request = one_off(brand, scheduled_at=instant(FAR), expire_at=EXPIRY)
    first = await schedule(idle_api, brand, **request)
    (message,) = await stored(idle, brand)
    assert message.expire_at is not None
    assert message.expire_at.isoformat() == "2031-05-06T07:08:09.123456+00:00"
    assert await schedule(idle_api, brand, **request) == first
    for other in ({"expire_at": ANOTHER}, {"expire_at": None}):
        answer = await idle_api.call(f"{MESSAGES}/ScheduleMessage", {**request, **other})
        assert (answer.status, answer.error) == (422, "dedup_key_reused")


async def test_published_send_and_its_messages_have_the_expiry(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    send = await publish(idle_api, brand, recipients(3), expire_at=EXPIRY)
    assert (await report(idle_api, send["id"]))["expire_at"] == EXPIRY
    assert await expiries(idle, brand, send["id"]) == {EXPIRY}


async def test_comms_send_and_its_messages_have_the_expiry(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    request = {
        "id": await comms_campaign(idle_api, brand),
        "recipients": recipients(3),
        "expire_at": EXPIRY,
    }
    send = (await ok(idle_api, f"{COMMS}/SendCampaign", request))["send"]
    assert (await report(idle_api, send["id"]))["expire_at"] == EXPIRY
    assert await expiries(idle, brand, send["id"]) == {EXPIRY}


async def test_without_one_nothing_expires(idle: Running, idle_api: Caller, brand: str) -> None:
    send = await publish(idle_api, brand, recipients(3))
    assert (await report(idle_api, send["id"]))["expire_at"] is None
    assert await expiries(idle, brand, send["id"]) == {"never"}


@pytest.mark.parametrize(("given", "expected"), [(None, EXPIRY), (ANOTHER, ANOTHER)])
async def test_campaign_published_early_expires_as_it_was_scheduled_unless_told_otherwise(
    idle_api: Caller, brand: str, given: str | None, expected: str
) -> None:
    campaign_id = await messaging_campaign(idle_api, brand)
    schedule_it = {
        "id": campaign_id,
        "scheduled_at": instant(timedelta(hours=1)),
        "expire_at": EXPIRY,
    }
    await ok(idle_api, f"{MESSAGING}/ScheduleCampaign", schedule_it)
    request = {
        "id": campaign_id,
        "recipients": recipients(1),
        **({"expire_at": given} if given else {}),
    }
    send = await ok(idle_api, f"{MESSAGING}/PublishCampaign", request)
    assert (await ok(idle_api, f"{SENDS}/GetSendReport", {"id": send["id"]}))[
        "expire_at"
    ] == expected
