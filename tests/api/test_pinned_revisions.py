"""What was accepted keeps the revision it was checked against, whatever comes later."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from server.commands.sends.start import send_due_campaign
from storage.model.sends import Send
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    instant,
    messaging_campaign,
    ok,
    put_template,
    recipients,
)

BODIES = {
    "fits": "{{ name }}",
    "asks for more": "{{ name }} {{ more }}",
    "third": "third {{ name }}",
}


async def put(api: Caller, brand: str, body: str, key: str = "pinned") -> int:
    version = await put_template(api, brand, key=key, body=BODIES[body])
    return int(version["version_number"])


async def scheduled(api: Caller, brand: str, face: str) -> str:
    """A campaign scheduled with a template that fits; its id."""
    variables = {"name": "Ann"}
    if face == COMMS:
        request = {
            "brand_id": brand,
            "name": "n",
            "subject": "s",
            "channel": "email",
            "template_key": "pinned",
            "variables": variables,
            "scheduled_at": instant(FAR),
        }
        return str((await ok(api, f"{COMMS}/CreateCampaign", request))["campaign"]["id"])
    steps = [{"key": "pinned", "variables": variables}]
    campaign_id = await messaging_campaign(api, brand, steps=steps)
    await ok(
        api, f"{MESSAGING}/ScheduleCampaign", {"id": campaign_id, "scheduled_at": instant(FAR)}
    )
    return campaign_id


async def sends(idle: Running, campaign_id: str) -> list[Send]:
    assert idle.service.storage is not None
    return await idle.service.storage.read(lambda tx: tx.sends.list_page(campaign_id, None, 10))


async def come_due(idle: Running, campaign_id: str) -> list[Send]:
    """Lets the campaign come due; its sends."""
    assert idle.service.storage is not None
    later = datetime.now(UTC) + 2 * FAR
    await idle.service.storage.write(lambda tx: send_due_campaign(tx, campaign_id, later))
    return await sends(idle, campaign_id)


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_a_due_campaign_sends_the_revision_it_was_scheduled_with(
    idle: Running, idle_api: Caller, brand: str, face: str
) -> None:
    first = await put(idle_api, brand, "fits")
    campaign_id = await scheduled(idle_api, brand, face)
    await put(idle_api, brand, "asks for more")
    assert [send.template_revision for send in await come_due(idle, campaign_id)] == [first]


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_a_scheduled_campaign_sent_early_sends_that_revision_too(
    idle: Running, idle_api: Caller, brand: str, face: str
) -> None:
    first = await put(idle_api, brand, "fits")
    campaign_id = await scheduled(idle_api, brand, face)
    await put(idle_api, brand, "asks for more")
    await ok(
        idle_api,
        f"{face}/{'SendCampaign' if face == COMMS else 'PublishCampaign'}",
        {"id": campaign_id, "recipients": recipients(1)},
    )
    assert [send.template_revision for send in await sends(idle, campaign_id)] == [first]


async def test_rescheduling_takes_the_latest_revision_if_the_variables_fit_it(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put(idle_api, brand, "fits")
    campaign_id = await scheduled(idle_api, brand, COMMS)
    await put(idle_api, brand, "asks for more")
    again = {"id": campaign_id, "scheduled_at": instant(FAR)}
    answer = await idle_api.call(f"{COMMS}/UpdateCampaign", again)
    assert (answer.status, answer.fields) == (422, {"variables.more"})
    third = await put(idle_api, brand, "third")
    await ok(idle_api, f"{COMMS}/UpdateCampaign", again)
    assert [send.template_revision for send in await come_due(idle, campaign_id)] == [third]


async def test_a_scheduled_campaign_that_changes_otherwise_keeps_its_revision(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    first = await put(idle_api, brand, "fits")
    campaign_id = await scheduled(idle_api, brand, COMMS)
    await put(idle_api, brand, "asks for more")
    await ok(
        idle_api,
        f"{COMMS}/UpdateCampaign",
        {"id": campaign_id, "name": "other", "variables": {"name": "Bob"}},
    )
    assert [send.template_revision for send in await come_due(idle, campaign_id)] == [first]


async def test_a_scheduled_campaign_with_another_template_is_checked_against_its_latest_revision(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put(idle_api, brand, "fits")
    campaign_id = await scheduled(idle_api, brand, COMMS)
    await put(idle_api, brand, "fits", key="other")
    latest = await put(idle_api, brand, "asks for more", key="other")
    change = {"id": campaign_id, "template_key": "other"}
    answer = await idle_api.call(f"{COMMS}/UpdateCampaign", change)
    assert (answer.status, answer.fields) == (422, {"variables.more"})
    await ok(
        idle_api, f"{COMMS}/UpdateCampaign", {**change, "variables": {"name": "Ann", "more": "x"}}
    )
    assert [send.template_revision for send in await come_due(idle, campaign_id)] == [latest]


async def test_a_step_keeps_its_version_also_when_its_campaign_is_taken_back_to_draft(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    first = await put(idle_api, brand, "fits")
    campaign_id = await scheduled(idle_api, brand, MESSAGING)
    await ok(idle_api, f"{MESSAGING}/UnscheduleCampaign", {"id": campaign_id})
    await put(idle_api, brand, "third")
    await ok(idle_api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"})
    assert [send.template_revision for send in await sends(idle, campaign_id)] == [first]
