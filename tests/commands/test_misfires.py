"""Scheduled campaigns that are found due too late: what the brand's policy and their own expiry
make of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server.commands.campaigns.cancel import cancel_campaign
from server.commands.campaigns.schedule import schedule_campaign, unschedule_campaign
from server.commands.operations.brand_policy import NewBrandPolicy, set_brand_policy
from server.commands.sends.start import send_campaign
from server.domain.access import Caller
from server.domain.errors import BadState, ValidationFailed
from server.domain.faces import Face
from storage.model.audit import AuditEntry
from storage.model.brands import MisfirePolicy, UnknownPolicy
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.sends import CancelReceipt
from tests.support.dispatch.stage import BRAND, Stage

SEND_NOW, SKIP, EXPIRE_AFTER = (
    MisfirePolicy.SEND_NOW,
    MisfirePolicy.SKIP,
    MisfirePolicy.EXPIRE_AFTER,
)


async def set_policy(stage: Stage, misfire: MisfirePolicy, seconds: int = 0) -> None:
    new = NewBrandPolicy(
        brand_id=BRAND,
        unknown_policy=UnknownPolicy.PARK,
        misfire_policy=misfire,
        misfire_seconds=seconds,
        rates=(),
        consent_defaults={},
        transactional_categories=(),
    )
    await stage.storage.write(lambda tx: set_brand_policy(tx, stage.caller, new))


async def found_due(stage: Stage, late: float, **more: Any) -> Campaign:
    """A campaign that is looked at so many seconds after its time."""
    campaign = await stage.scheduled(due_in=10, **more)
    stage.clock.advance(10 + late)
    await stage.run(stage.due_campaigns())
    return await stage.found_campaign(campaign.id)


async def entries(stage: Stage, campaign: Campaign) -> list[AuditEntry]:
    return await stage.storage.read(lambda tx: tx.audit.list_page(BRAND, campaign.id, None, 10))


@pytest.mark.parametrize(
    ("policy", "seconds", "late", "starts"),
    [
        (None, 0, 86_400 * 30, True),
        (SEND_NOW, 0, 86_400 * 30, True),
        (SKIP, 0, 60, True),
        (SKIP, 0, 60.5, False),
        (EXPIRE_AFTER, 600, 600, True),
        (EXPIRE_AFTER, 600, 600.5, False),
        (EXPIRE_AFTER, 5, 5.5, False),
    ],
)
async def test_a_campaign_starts_unless_it_is_later_than_its_brand_allows(
    stage: Stage, policy: MisfirePolicy | None, seconds: int, late: float, starts: bool
) -> None:
    if policy is not None:
        await set_policy(stage, policy, seconds)
    campaign = await found_due(stage, late)
    assert campaign.status is (CampaignStatus.SENT if starts else CampaignStatus.CANCELLED)
    assert len(await stage.sends_of(campaign)) == starts
    (entry,) = await entries(stage, campaign)
    assert (entry.actor, entry.action) == (
        "carillon",
        "campaign_started" if starts else "campaign_misfired",
    )


async def test_a_misfire_is_in_the_log_as_the_services_own_decision(stage: Stage) -> None:
    await set_policy(stage, EXPIRE_AFTER, 60)
    campaign = await found_due(stage, 3600)
    assert campaign.cancelled_at == stage.clock.now()
    (entry,) = await entries(stage, campaign)
    assert (entry.actor, entry.action, entry.created_at) == (
        "carillon",
        "campaign_misfired",
        stage.clock.now(),
    )
    assert campaign.scheduled_at is not None
    assert entry.details == {
        "scheduled_at": campaign.scheduled_at.isoformat(),
        "misfire_policy": "expire_after",
        "late_seconds": 3600,
    }


async def test_a_stale_campaign_does_not_start_whatever_the_policy(stage: Stage) -> None:
    expire_at = stage.clock.now() + timedelta(seconds=20)
    campaign = await found_due(stage, 10, expire_at=expire_at)
    assert (campaign.status, await stage.sends_of(campaign)) == (CampaignStatus.CANCELLED, [])
    (entry,) = await entries(stage, campaign)
    assert (entry.action, entry.details["expire_at"]) == (
        "campaign_misfired",
        expire_at.isoformat(),
    )


async def test_a_campaign_that_starts_in_time_hands_its_expiry_to_its_messages(
    stage: Stage,
) -> None:
    await stage.people(3)
    expire_at = stage.clock.now() + timedelta(seconds=20)
    campaign = await found_due(stage, 9, expire_at=expire_at)
    (send,) = await stage.sends_of(campaign)
    assert send.expire_at == expire_at
    assert [message.expire_at for message in await stage.messages_of(send)] == [expire_at] * 3


async def test_a_misfired_campaign_is_cancelled_like_any_other(stage: Stage) -> None:
    await set_policy(stage, SKIP)
    campaign = await found_due(stage, 3600)
    later = stage.clock.now() + timedelta(hours=1)
    for operation in (
        lambda tx: send_campaign(
            tx, stage.caller, Face.COMMS, campaign.id, [("ann", "ann@example.com")]
        ),
        lambda tx: schedule_campaign(tx, stage.caller, Face.COMMS, campaign.id, later),
    ):
        with pytest.raises(BadState) as refused:
            await stage.storage.write(operation)
        assert refused.value.details == {"status": "cancelled"}
    cancelled = await stage.storage.write(
        lambda tx: cancel_campaign(tx, stage.caller, Face.COMMS, campaign.id)
    )
    assert (cancelled.campaign, cancelled.receipt) == (campaign, CancelReceipt())
    assert len(await entries(stage, campaign)) == 1


async def test_the_policy_of_another_brand_is_not_asked(stage: Stage) -> None:
    new = NewBrandPolicy(
        brand_id="other",
        unknown_policy=UnknownPolicy.PARK,
        misfire_policy=SKIP,
        misfire_seconds=0,
        rates=(),
        consent_defaults={},
        transactional_categories=(),
    )
    principal = stage.caller.principal
    other = Caller(type(principal)("other", frozenset({"other"}), frozenset()), stage.clock.now())
    await stage.storage.write(lambda tx: set_brand_policy(tx, other, new))
    assert (await found_due(stage, 3600)).status is CampaignStatus.SENT


async def test_an_expiry_is_kept_with_the_schedule_and_goes_with_it(stage: Stage) -> None:
    campaign, now = await stage.campaign(), stage.clock.now()
    due, expire_at = now + timedelta(minutes=5), now + timedelta(minutes=10)

    async def schedule(scheduled_at: Any, expires: Any) -> Campaign:
        return await stage.storage.write(
            lambda tx: schedule_campaign(
                tx, stage.caller, Face.COMMS, campaign.id, scheduled_at, expires
            )
        )

    assert (await schedule(due, expire_at)).expire_at == expire_at
    assert (await schedule(due, None)).expire_at is None
    await schedule(due, expire_at)
    with pytest.raises(ValidationFailed) as refused:
        await schedule(due, due)
    assert [violation.field for violation in refused.value.violations] == ["expire_at"]
    assert (await stage.found_campaign(campaign.id)).expire_at == expire_at
    await stage.storage.write(
        lambda tx: unschedule_campaign(tx, stage.caller, Face.COMMS, campaign.id)
    )
    assert (await stage.found_campaign(campaign.id)).expire_at is None


async def test_sent_early_a_campaign_keeps_its_expiry_unless_it_is_given_another(
    stage: Stage,
) -> None:
    now, ann = stage.clock.now(), [("ann", "ann@example.com")]
    kept, given = now + timedelta(hours=1), now + timedelta(hours=2)
    for expire_at, expected in ((None, kept), (given, given)):
        campaign = await stage.scheduled(due_in=60, expire_at=kept)
        send = await stage.storage.write(
            lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, ann, expire_at)  # noqa: B023
        )
        assert send.expire_at == expected
        assert [message.expire_at for message in await stage.messages_of(send)] == [expected]


async def test_a_stale_campaign_is_not_sent_by_hand_unless_it_is_given_another_expiry(
    stage: Stage,
) -> None:
    now, ann = stage.clock.now(), [("ann", "ann@example.com")]
    campaign = await stage.scheduled(due_in=10, expire_at=now + timedelta(seconds=20))
    now = stage.clock.advance(30)
    with pytest.raises(ValidationFailed) as refused:
        await stage.storage.write(
            lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, ann)
        )
    assert [violation.field for violation in refused.value.violations] == ["expire_at"]
    later = now + timedelta(minutes=1)
    send = await stage.storage.write(
        lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, ann, later)
    )
    assert send.expire_at == later


async def test_a_sent_campaign_whose_expiry_has_passed_is_refused_for_its_status(
    stage: Stage,
) -> None:
    ann = [("ann", "ann@example.com")]
    campaign = await stage.scheduled(due_in=10, expire_at=stage.clock.now() + timedelta(seconds=20))
    await stage.storage.write(
        lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, ann)
    )
    stage.clock.advance(3600)
    with pytest.raises(BadState):
        await stage.storage.write(
            lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, ann)
        )
