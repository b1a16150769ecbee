"""A caller whose clock is up to five minutes slow means now, and is late for nothing."""

from __future__ import annotations

from datetime import timedelta

from tests.support.api.callers import Caller
from tests.support.api.deliveries import ended, one_off, schedule
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    campaign,
    campaign_in,
    instant,
    ok,
    put_person,
    put_template,
    until,
)

BEHIND = timedelta(minutes=-4, seconds=-50)
STRICT = {"unknown_policy": "park", "misfire_policy": "skip"}


async def test_a_message_is_sent_at_once(api: Caller, brand: str) -> None:
    await put_template(api, brand)
    await ok(api, "ops.BrandService/SetBrandPolicy", {"brand_id": brand, **STRICT})
    at = instant(BEHIND)
    message = await schedule(api, brand, **one_off(brand, scheduled_at=at))
    assert message["scheduled_at"] == at
    sent = await ended(api, message["id"])
    assert (sent["status"], sent["scheduled_at"]) == ("sent", at)


async def test_a_campaign_is_sent_at_once(running: Running, api: Caller, brand: str) -> None:
    await ok(api, "ops.BrandService/SetBrandPolicy", {"brand_id": brand, **STRICT})
    await put_person(api, brand, "ann")
    campaign_id, at = await campaign_in(api, brand, MESSAGING, "draft"), instant(BEHIND)
    scheduled = await ok(
        api, f"{MESSAGING}/ScheduleCampaign", {"id": campaign_id, "scheduled_at": at}
    )
    assert scheduled["scheduled_at"] == at
    sent = await until(
        running, lambda: campaign(api, MESSAGING, campaign_id), "status", "sent", "cancelled"
    )
    assert (sent["status"], sent["scheduled_at"]) == ("sent", at)


async def test_a_comms_campaign_is_sent_at_once(running: Running, api: Caller, brand: str) -> None:
    await ok(api, "ops.BrandService/SetBrandPolicy", {"brand_id": brand, **STRICT})
    await put_person(api, brand, "ann")
    campaign_id, at = await campaign_in(api, brand, COMMS, "draft"), instant(BEHIND)
    await ok(api, f"{COMMS}/UpdateCampaign", {"id": campaign_id, "scheduled_at": at})
    sent = await until(
        running, lambda: campaign(api, COMMS, campaign_id), "status", "sent", "cancelled"
    )
    assert (sent["status"], sent["scheduled_at"]) == ("sent", at)
