"""Campaigns: every field, listed, due, locked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from storage.contract.errors import StorageError
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene


async def test_every_field_of_a_campaign_comes_back_as_it_was_given(scene: Scene) -> None:
    given = await scene.campaign(
        description="d",
        segment_id="s",
        segment_criteria={"==": [{"var": "x"}, None]},
        variables={"list": [1, {"a": None}]},
        scheduled_at=NOW,
        published_at=NOW + SECOND,
        sent_at=NOW + 2 * SECOND,
        cancelled_at=NOW + 3 * SECOND,
        template_revision=2,
        expire_at=NOW + 4 * SECOND,
        cancelled_send_ids=("send-1", "send-2"),
    )
    assert await scene.found_campaign(given.id) == given
    without = await scene.campaign(segment_criteria=None, subject=None)
    assert await scene.found_campaign(without.id) == without


async def test_replacing_a_campaign_writes_every_field(scene: Scene) -> None:
    given = await scene.campaign()
    other = made.campaign(
        id=given.id,
        name="Other",
        segment_criteria=None,
        variables={},
        status=CampaignStatus.SCHEDULED,
        scheduled_at=NOW,
    )
    await scene.storage.write(lambda tx: tx.campaigns.replace(other))
    assert await scene.found_campaign(given.id) == other


async def test_replacing_a_campaign_that_does_not_exist_fails(scene: Scene) -> None:
    with pytest.raises(StorageError):
        await scene.storage.write(lambda tx: tx.campaigns.replace(made.campaign()))


async def test_a_deleted_campaign_is_gone_and_one_with_a_send_stays(scene: Scene) -> None:
    given = await scene.campaign()
    await scene.storage.write(lambda tx: tx.campaigns.delete(given.id))
    assert await scene.storage.read(lambda tx: tx.campaigns.find(given.id)) is None
    send, _ = await scene.send(1)
    with pytest.raises(StorageError):
        await scene.storage.write(lambda tx: tx.campaigns.delete(send.campaign_id))


async def test_a_lock_makes_concurrent_changes_of_a_campaign_follow_each_other(
    scene: Scene,
) -> None:
    given = await scene.campaign(variables={"count": 0})

    async def count(tx: Transaction) -> None:
        found = await tx.campaigns.find(given.id, lock=True)
        assert found is not None
        assert isinstance(found.variables["count"], int)
        await tx.campaigns.replace(
            replace(found, variables={"count": found.variables["count"] + 1})
        )

    await asyncio.gather(*(scene.storage.write(count) for _ in range(15)))
    assert (await scene.found_campaign(given.id)).variables == {"count": 15}


async def test_campaigns_are_listed_by_brand_face_and_status_newest_first(scene: Scene) -> None:
    first, second = await scene.campaign(), await scene.campaign(status=CampaignStatus.SENT)
    await scene.campaign(face="messaging")
    await scene.campaign(brand_id="other")

    async def listed(
        status: CampaignStatus | None, after: str | None = None, limit: int = 10
    ) -> list[Campaign]:
        return await scene.storage.read(
            lambda tx: tx.campaigns.list_page(BRAND, "comms", status, after, limit)
        )

    assert await listed(None) == [second, first]
    assert await listed(None, limit=1) == [second]
    assert await listed(None, after=second.id) == [first]
    assert await listed(CampaignStatus.SENT) == [second]


async def test_due_campaigns_are_the_scheduled_ones_earliest_first(scene: Scene) -> None:
    late = await scene.campaign(status=CampaignStatus.SCHEDULED, scheduled_at=NOW)
    early = await scene.campaign(status=CampaignStatus.SCHEDULED, scheduled_at=NOW - SECOND)
    await scene.campaign(status=CampaignStatus.SCHEDULED, scheduled_at=NOW + SECOND)
    await scene.campaign(status=CampaignStatus.SENT, scheduled_at=NOW - SECOND)
    assert await scene.storage.read(lambda tx: tx.campaigns.list_due(NOW, 10)) == [
        early.id,
        late.id,
    ]
    assert await scene.storage.read(lambda tx: tx.campaigns.list_due(NOW, 1)) == [early.id]
    assert await scene.storage.read(lambda tx: tx.campaigns.next_due()) == NOW - SECOND


async def test_no_scheduled_campaign_is_no_due_time(scene: Scene) -> None:
    await scene.campaign(scheduled_at=NOW)
    assert await scene.storage.read(lambda tx: tx.campaigns.next_due()) is None
