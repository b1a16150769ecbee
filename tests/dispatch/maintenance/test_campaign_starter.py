"""Scheduled campaigns send themselves, once, at their time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from server.commands.sends.start import send_due_campaign
from server.dispatch.maintenance import campaign_starter as due_campaigns_module
from server.dispatch.maintenance.cooldown import RETRY_AFTER
from storage.contract.errors import StorageUnavailable
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from tests.support.dispatch.stage import Stage
from tests.support.storage import made
from tests.support.storage.made import BRAND


async def status(stage: Stage, campaign: Campaign) -> CampaignStatus:
    return (await stage.found_campaign(campaign.id)).status


async def test_a_campaign_sends_itself_at_its_time_and_not_before(stage: Stage) -> None:
    await stage.people(2)
    campaign = await stage.scheduled(due_in=60)
    loop = stage.due_campaigns()
    stage.clock.advance(59)
    await stage.run(loop)
    assert await status(stage, campaign) is CampaignStatus.SCHEDULED
    assert await loop.next_due() == campaign.scheduled_at
    stage.clock.advance(1)
    await stage.run(loop)
    (send,) = await stage.sends_of(campaign)
    assert (send.counters.total, send.created_by) == (2, campaign.created_by)
    assert (await stage.found_campaign(campaign.id)).published_at == stage.clock.now()
    await stage.run(stage.workers())
    assert (await status(stage, campaign), len(stage.email.calls)) == (CampaignStatus.SENT, 2)


async def test_a_campaign_goes_to_the_criteria_or_segment_it_names(stage: Stage) -> None:
    await stage.storage.write(
        lambda tx: tx.people.put(made.person("ann", attributes={"plan": "pro"}))
    )
    await stage.storage.write(
        lambda tx: tx.people.put(made.person("bob", attributes={"plan": "free"}))
    )
    criteria: dict[str, object] = {"==": [{"var": "plan"}, "pro"]}
    segment = made.segment(predicate=criteria)
    await stage.storage.write(lambda tx: tx.segments.insert(segment))
    await stage.scheduled(segment_criteria=criteria)
    await stage.scheduled(face="messaging", segment_id=segment.id, segment_criteria=None)
    await stage.run(stage.due_campaigns())
    await stage.run(stage.workers())
    assert stage.email.addresses() == ["ann@example.com"] * 2


async def test_a_campaign_to_an_archived_segment_is_cancelled_when_it_comes_due(
    stage: Stage,
) -> None:
    await stage.people(2)
    segment = made.segment()
    await stage.storage.write(lambda tx: tx.segments.insert(segment))
    campaign = await stage.scheduled(
        due_in=60, face="messaging", segment_id=segment.id, segment_criteria=None
    )
    await stage.storage.write(lambda tx: tx.segments.archive(segment.id, stage.clock.now()))
    await stage.run(stage.due_campaigns())
    assert await status(stage, campaign) is CampaignStatus.SCHEDULED
    stage.clock.advance(60)
    await stage.run(stage.due_campaigns())
    assert (await stage.sends_of(campaign), await status(stage, campaign)) == (
        [],
        CampaignStatus.CANCELLED,
    )
    (entry,) = await stage.storage.read(lambda tx: tx.audit.list_page(BRAND, campaign.id, None, 9))
    assert (entry.action, entry.details["archived_segment_id"]) == ("campaign_misfired", segment.id)


@pytest.mark.parametrize(
    "after", [CampaignStatus.DRAFT, CampaignStatus.CANCELLED, CampaignStatus.SENDING]
)
async def test_a_campaign_that_is_no_longer_scheduled_is_not_started(
    stage: Stage, after: CampaignStatus
) -> None:
    campaign = await stage.campaign(status=after, scheduled_at=stage.clock.now())
    await stage.storage.write(lambda tx: send_due_campaign(tx, campaign.id, stage.clock.now()))
    assert (await stage.sends_of(campaign), await status(stage, campaign)) == ([], after)


async def test_a_campaign_that_was_moved_meanwhile_is_not_started(stage: Stage) -> None:
    campaign = await stage.scheduled(due_in=1)
    await stage.storage.write(lambda tx: send_due_campaign(tx, campaign.id, stage.clock.now()))
    await stage.storage.write(
        lambda tx: send_due_campaign(tx, "deleted meanwhile", stage.clock.now())
    )
    assert await stage.sends_of(campaign) == []


async def test_competing_dispatchers_start_a_campaign_once(stage_on_postgres: Stage) -> None:
    stage = stage_on_postgres
    await stage.people(2)
    campaigns = [await stage.scheduled() for _ in range(5)]
    loops = [stage.due_campaigns()]
    for _ in range(2):
        stage.storage = await stage.open()
        loops.append(stage.due_campaigns())
    await asyncio.gather(*(loop.run_once() for loop in loops))
    for campaign in campaigns:
        (send,) = await stage.sends_of(campaign)
        assert send.counters.total == 2


async def test_more_than_a_batch_is_started_in_several(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_campaigns_module, "BATCH", 2)
    campaigns = [await stage.scheduled() for _ in range(5)]
    loop = stage.due_campaigns()
    assert await loop.run_once()
    await stage.run(loop)
    assert {await status(stage, campaign) for campaign in campaigns} == {CampaignStatus.SENT}


async def test_a_campaign_that_cannot_start_holds_up_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_campaigns_module, "BATCH", 1)
    faulty = await stage.scheduled(due_in=-2, template_key="nowhere")
    good = await stage.scheduled(due_in=-1)
    later = await stage.scheduled(due_in=10)
    loop = stage.due_campaigns()
    await stage.run(loop)
    assert (await status(stage, faulty), await status(stage, good)) == (
        CampaignStatus.SCHEDULED,
        CampaignStatus.SENT,
    )
    assert await loop.next_due() == later.scheduled_at
    stage.clock.advance(10)
    await stage.run(loop)
    assert await status(stage, later) is CampaignStatus.SENT


async def test_a_campaign_that_could_not_start_is_tried_again(stage: Stage) -> None:
    campaign = await stage.scheduled(template_key="nowhere")
    loop = stage.due_campaigns()
    await stage.run(loop)
    await stage.template(template_key="nowhere")
    await stage.run(loop)
    assert await status(stage, campaign) is CampaignStatus.SCHEDULED
    assert await loop.next_due() == stage.clock.now() + RETRY_AFTER
    stage.clock.advance(RETRY_AFTER.total_seconds())
    await stage.run(loop)
    assert await status(stage, campaign) is CampaignStatus.SENT


async def test_campaigns_are_not_put_off_because_the_database_was_away(stage: Stage) -> None:
    campaign = await stage.scheduled()
    away = True

    async def start(tx: Transaction, campaign_id: str, now: datetime) -> None:
        if away:
            raise StorageUnavailable("the database is away")
        await send_due_campaign(tx, campaign_id, now)

    loop = stage.due_campaigns(start)
    with pytest.raises(StorageUnavailable):
        await loop.run_once()
    away = False
    await stage.run(loop)
    assert await status(stage, campaign) is CampaignStatus.SENT


async def test_scheduling_wakes_the_loop(stage: Stage) -> None:
    with stage.storage.signals.subscribe(*stage.due_campaigns().topics) as scheduled:
        await stage.scheduled(due_in=timedelta(days=1).total_seconds())
        assert scheduled.is_set()
