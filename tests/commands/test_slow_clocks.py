"""A time up to five minutes in the past is "at once" by a slow clock: what it makes of lateness.
Tests run on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from server.commands.campaigns.create import NewCampaign, create_campaign
from server.commands.campaigns.schedule import schedule_campaign
from server.commands.campaigns.update import CampaignChanges, update_campaign
from server.commands.messages.schedule import NewMessage, schedule_message
from server.domain.errors import ValidationFailed
from server.domain.faces import Face
from storage.model.brands import MisfirePolicy
from storage.model.campaigns import Campaign
from storage.model.messages import Message
from tests.support.dispatch.stage import BRAND, Stage

SKEW = timedelta(minutes=5)
Policy = dict[str, Any]
SKIP: Policy = {"misfire_policy": MisfirePolicy.SKIP}
SECONDS: Policy = {"misfire_policy": MisfirePolicy.EXPIRE_AFTER, "misfire_seconds": 5}


async def one_off(stage: Stage, ago: timedelta, channel: str = "email") -> Message:
    """A one-off that a clock so far behind ours schedules for its now."""
    new = NewMessage(
        brand_id=BRAND,
        person_id="ann",
        channel=channel,
        template_key="welcome",
        recipient="ann@example.com" if channel == "email" else "ann",
        dedup_key=uuid4().hex,
        variables={},
        hipaa=False,
        scheduled_at=stage.clock.now() - ago,
    )
    return await stage.storage.write(lambda tx: schedule_message(tx, stage.caller, new))


async def dispatch(stage: Stage, channel: str) -> None:
    await stage.run(stage.workers() if channel == "email" else stage.inbox_worker())


@pytest.mark.parametrize("channel", ["email", "in_app"])
async def test_a_message_of_a_slow_clock_is_due_at_once_and_not_late(
    stage: Stage, channel: str
) -> None:
    await stage.template("in_app")
    for policy in (SKIP, SECONDS):
        await stage.policy(**policy)
        message = await one_off(stage, SKEW, channel)
        assert (message.scheduled_at, message.due_at) == (
            stage.clock.now() - SKEW,
            stage.clock.now(),
        )
        await dispatch(stage, channel)
        assert await stage.fate(message) == ("sent", None)


FATES = [
    (SKIP, 60, ("sent", None)),
    (SKIP, 60.5, ("skipped", "misfired")),
    (SECONDS, 5, ("sent", None)),
    (SECONDS, 5.5, ("expired", "misfired")),
]


@pytest.mark.parametrize("channel", ["email", "in_app"])
async def test_its_lateness_counts_from_when_it_came(stage: Stage, channel: str) -> None:
    await stage.template("in_app")
    for policy, late_by, fate in FATES:
        await stage.policy(**policy)
        message = await one_off(stage, SKEW, channel)
        stage.clock.advance(late_by)
        await dispatch(stage, channel)
        assert await stage.fate(message) == fate


async def test_a_message_of_a_clock_that_is_slower_is_refused(stage: Stage) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await one_off(stage, SKEW + timedelta(microseconds=1))
    assert [violation.field for violation in refused.value.violations] == ["scheduled_at"]


Schedule = Callable[[Stage, timedelta], Awaitable[Campaign]]


async def by_scheduling(stage: Stage, ago: timedelta) -> Campaign:
    campaign, at = await stage.campaign(subject="Hello"), stage.clock.now() - ago
    return await stage.storage.write(
        lambda tx: schedule_campaign(tx, stage.caller, Face.COMMS, campaign.id, at)
    )


async def by_changing(stage: Stage, ago: timedelta) -> Campaign:
    return await change(
        stage, await stage.campaign(subject="Hello"), scheduled_at=stage.clock.now() - ago
    )


async def by_creating(stage: Stage, ago: timedelta) -> Campaign:
    new = NewCampaign(
        brand_id=BRAND,
        name="Spring",
        subject="Hello",
        channel="email",
        template_key="welcome",
        segment_criteria={},
        variables={},
        scheduled_at=stage.clock.now() - ago,
    )
    return await stage.storage.write(lambda tx: create_campaign(tx, stage.caller, Face.COMMS, new))


WAYS: list[Schedule] = [by_scheduling, by_changing, by_creating]


async def change(stage: Stage, campaign: Campaign, **changes: object) -> Campaign:
    to: CampaignChanges = changes  # type: ignore[assignment]  # of the fields' own types
    return await stage.storage.write(
        lambda tx: update_campaign(tx, stage.caller, Face.COMMS, campaign.id, to)
    )


async def fate(stage: Stage, campaign: Campaign) -> tuple[str, int]:
    """Status of a campaign after it was looked at, and the number of its sends."""
    await stage.run(stage.due_campaigns())
    return (await stage.found_campaign(campaign.id)).status.value, len(
        await stage.sends_of(campaign)
    )


async def test_a_campaign_of_a_slow_clock_starts_at_once_and_is_not_late(stage: Stage) -> None:
    for schedule, policy in product(WAYS, (SKIP, SECONDS)):
        await stage.policy(**policy)
        campaign = await schedule(stage, SKEW)
        assert campaign.scheduled_at == stage.clock.now() - SKEW
        assert await fate(stage, campaign) == ("sent", 1)


async def test_lateness_of_a_campaign_counts_from_when_it_was_scheduled(stage: Stage) -> None:
    await stage.policy(**SKIP)
    ends = [(60, ("sent", 1)), (60.5, ("cancelled", 0))]
    for schedule, (late_by, expected) in product(WAYS, ends):
        campaign = await schedule(stage, SKEW)
        stage.clock.advance(late_by)
        assert await fate(stage, campaign) == expected


async def test_the_log_of_a_misfire_has_the_time_that_was_asked_for(stage: Stage) -> None:
    await stage.policy(**SKIP)
    for schedule in WAYS:
        campaign = await schedule(stage, SKEW)
        stage.clock.advance(3600)
        assert await fate(stage, campaign) == ("cancelled", 0)
        entries = await stage.storage.read(
            lambda tx: tx.audit.list_page(BRAND, campaign.id, None, 10)  # noqa: B023
        )
        (details,) = [entry.details for entry in entries if entry.action == "campaign_misfired"]
        assert campaign.scheduled_at is not None
        assert (details["scheduled_at"], details["late_seconds"]) == (
            campaign.scheduled_at.isoformat(),
            3600,
        )


async def test_a_campaign_of_a_clock_that_is_slower_is_refused(stage: Stage) -> None:
    for schedule in WAYS:
        with pytest.raises(ValidationFailed) as refused:
            await schedule(stage, SKEW + timedelta(microseconds=1))
        assert [violation.field for violation in refused.value.violations] == ["scheduled_at"]


async def test_a_change_after_its_time_does_not_make_a_campaign_less_late(stage: Stage) -> None:
    await stage.policy(**SKIP)
    of_a_slow_clock, for_now, for_later = SKEW, timedelta(), timedelta(minutes=-1)
    for schedule, ago in product(WAYS, (of_a_slow_clock, for_now, for_later)):
        campaign = await schedule(stage, ago)
        stage.clock.advance(40 - min(ago, timedelta()).total_seconds())
        for name in ("Summer", "Autumn"):
            assert (await change(stage, campaign, name=name)).name == name
            stage.clock.advance(10.5)
        assert await fate(stage, campaign) == ("cancelled", 0)


async def test_a_change_before_its_time_does_not_make_a_campaign_late(stage: Stage) -> None:
    await stage.policy(**SKIP)
    campaign = await by_scheduling(stage, timedelta(hours=-1))
    stage.clock.advance(1800)
    changed = await change(stage, campaign, name="Summer")
    assert changed.updated_at == stage.clock.now()
    stage.clock.advance(1800 + 60)
    assert await fate(stage, campaign) == ("sent", 1)


@pytest.mark.parametrize(
    "schedule", [schedule_campaign, None], ids=["scheduled again", "changed to another time"]
)
async def test_another_time_is_another_chance(stage: Stage, schedule: object) -> None:
    await stage.policy(**SKIP)
    campaign = await by_scheduling(stage, timedelta())
    stage.clock.advance(3600)
    now = stage.clock.now()
    if schedule is None:
        await change(stage, campaign, scheduled_at=now)
    else:
        await stage.storage.write(
            lambda tx: schedule_campaign(tx, stage.caller, Face.COMMS, campaign.id, now)
        )
    stage.clock.advance(30)
    assert await fate(stage, campaign) == ("sent", 1)
