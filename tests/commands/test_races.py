"""Operations on one campaign at the same time: each sees the state the one before it left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from server.commands.campaigns.cancel import cancel_campaign
from server.commands.campaigns.delete import delete_campaign
from server.commands.campaigns.schedule import schedule_campaign, unschedule_campaign
from server.commands.campaigns.update import update_campaign
from server.commands.messages.cancel import cancel_message
from server.commands.sends.start import send_campaign, send_due_campaign
from server.commands.templates.add_version import NewVersion, add_version
from server.commands.templates.create import NewTemplate, create_template
from server.domain.delivery.timing import LEASE
from server.domain.errors import BadState, NotFound, TemplateExists
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.messages import MessageStatus
from storage.model.sends import Send
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage.scene import claim_due

RECIPIENTS = [("ann", "ann@example.com"), ("bob", "bob@example.com")]
Operation = Callable[[Transaction], Awaitable[Any]]


async def at_once(stage: Stage, *operations: Operation) -> list[Any]:
    """What came of each."""
    return await asyncio.gather(
        *(stage.storage.write(operation) for operation in operations), return_exceptions=True
    )


def sending(stage: Stage, campaign: Campaign) -> Operation:
    return lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, RECIPIENTS)


def cancelling(stage: Stage, campaign: Campaign) -> Operation:
    return lambda tx: cancel_campaign(tx, stage.caller, Face.COMMS, campaign.id)


def starting_if_due(stage: Stage, campaign: Campaign) -> Operation:
    return lambda tx: send_due_campaign(tx, campaign.id, stage.clock.now())


async def test_of_many_sends_at_once_one_starts(stage: Stage) -> None:
    campaign = await stage.campaign()
    answers = await at_once(stage, *[sending(stage, campaign)] * 8)
    (started,) = [answer for answer in answers if isinstance(answer, Send)]
    assert sum(isinstance(answer, BadState) for answer in answers) == 7
    assert [send.id for send in await stage.sends_of(campaign)] == [started.id]
    assert started.counters.total == 2


async def test_a_campaign_that_comes_due_while_it_is_sent_by_hand_is_sent_once(
    stage: Stage,
) -> None:
    await stage.people(2)
    for _ in range(5):
        campaign = await stage.scheduled()
        due = starting_if_due(stage, campaign)
        await at_once(stage, due, sending(stage, campaign), due)
        assert len(await stage.sends_of(campaign)) == 1


async def test_after_a_cancel_nothing_is_sent_whatever_it_raced_with(stage: Stage) -> None:
    for _ in range(5):
        campaign = await stage.campaign()
        sent, cancelled = await at_once(
            stage, sending(stage, campaign), cancelling(stage, campaign)
        )
        assert cancelled.campaign.status is CampaignStatus.CANCELLED
        assert isinstance(sent, Send | BadState)
        assert (await stage.found_campaign(campaign.id)).status is CampaignStatus.CANCELLED
    await stage.run(stage.workers())
    assert stage.email.calls == []


async def test_a_cancel_against_a_mark_leaves_each_message_with_one_of_them(stage: Stage) -> None:
    for _ in range(5):
        send, messages = await stage.send(6)
        now = stage.clock.now()
        claimed = await stage.storage.write(
            lambda tx, now=now: claim_due(tx, "email", now, now + LEASE, 10)  # type: ignore[misc]
        )
        campaign = await stage.found_campaign(send.campaign_id)
        marked, _ = await at_once(
            stage,
            lambda tx: tx.messages.mark_sending(claimed, "scripted", now, now + LEASE),  # noqa: B023
            cancelling(stage, campaign),
        )
        for message in messages:
            expected = MessageStatus.SENDING if message.id in marked else MessageStatus.CANCELLED
            assert await stage.status(message) is expected
        await stage.assert_no_drift()


async def test_of_a_send_and_a_delete_at_once_one_happens(stage: Stage) -> None:
    for _ in range(5):
        campaign = await stage.campaign()
        sent, deleted = await at_once(
            stage,
            sending(stage, campaign),
            lambda tx: delete_campaign(tx, stage.caller, Face.COMMS, campaign.id),  # noqa: B023
        )
        if isinstance(sent, Send):
            assert isinstance(deleted, BadState)
        else:
            assert isinstance(sent, NotFound)
            assert await stage.storage.read(lambda tx: tx.campaigns.find(campaign.id)) is None  # noqa: B023


async def test_a_change_is_in_the_send_or_refused(stage: Stage) -> None:
    for _ in range(5):
        campaign = await stage.campaign(subject="Before")
        sent, changed = await at_once(
            stage,
            sending(stage, campaign),
            lambda tx: update_campaign(
                tx,
                stage.caller,
                Face.COMMS,
                campaign.id,  # noqa: B023
                {"subject": "After"},
            ),
        )
        assert sent.subject == ("Before" if isinstance(changed, BadState) else "After")


async def test_a_campaign_taken_back_while_it_comes_due_is_a_draft_or_sending(stage: Stage) -> None:
    for _ in range(5):
        campaign = await stage.scheduled()
        _, taken_back = await at_once(
            stage,
            starting_if_due(stage, campaign),
            lambda tx: unschedule_campaign(tx, stage.caller, Face.COMMS, campaign.id),  # noqa: B023
        )
        sends = await stage.sends_of(campaign)
        assert len(sends) == isinstance(taken_back, BadState)


async def test_a_campaign_moved_to_later_is_not_sent_at_its_old_time(stage: Stage) -> None:
    campaign = await stage.scheduled(due_in=10)
    later = stage.clock.now() + timedelta(seconds=60)
    await stage.storage.write(
        lambda tx: schedule_campaign(tx, stage.caller, Face.COMMS, campaign.id, later)
    )
    stage.clock.advance(10)
    await stage.run(stage.due_campaigns())
    assert await stage.sends_of(campaign) == []
    stage.clock.advance(50)
    await stage.run(stage.due_campaigns())
    assert len(await stage.sends_of(campaign)) == 1


async def test_cancelling_again_changes_nothing(stage: Stage) -> None:
    campaign = await stage.campaign()
    first = await stage.storage.write(cancelling(stage, campaign))
    stage.clock.advance(60)
    assert await stage.storage.write(cancelling(stage, campaign)) == first
    assert await stage.found_campaign(campaign.id) == first.campaign


async def test_a_message_is_cancelled_or_called_never_both(stage: Stage) -> None:
    workers = stage.workers()
    for _ in range(5):
        message = await stage.message()
        _, cancelled = await asyncio.gather(
            workers.run_once(),
            stage.storage.write(lambda tx: cancel_message(tx, stage.caller, message.id)),  # noqa: B023
            return_exceptions=True,
        )
        await stage.run(workers)
        called = message.id in {envelope.message_id for envelope in stage.email.calls}
        assert called == isinstance(cancelled, BadState)
        assert await stage.status(message) is (
            MessageStatus.SENT if called else MessageStatus.CANCELLED
        )


async def test_a_message_that_is_with_its_provider_cannot_be_cancelled(stage: Stage) -> None:
    message = await stage.message()
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    with pytest.raises(BadState) as refused:
        await stage.storage.write(lambda tx: cancel_message(tx, stage.caller, message.id))
    assert refused.value.details == {"status": "sending"}
    stage.email.let_go()
    await workers.drain()
    assert await stage.status(message) is MessageStatus.SENT


async def test_versions_added_at_once_get_numbers_of_their_own(stage: Stage) -> None:
    new = NewTemplate(brand_id=BRAND, channel="email", template_key="new")
    template = await stage.storage.write(lambda tx: create_template(tx, stage.caller, new))
    version = NewVersion(subject=None, body="Hello", html=None)
    answers = await at_once(
        stage,
        *(lambda tx: add_version(tx, stage.caller, template.id, version) for _ in range(8)),
    )
    assert sorted(answer.revision for answer in answers) == list(range(1, 9))
    found = await stage.storage.read(lambda tx: tx.templates.find(template.id))
    assert found is not None
    assert found.current_version_id in {each.id for each in answers if each.revision == 8}


async def test_of_templates_created_at_once_with_one_key_there_is_one(stage: Stage) -> None:
    new = NewTemplate(brand_id=BRAND, channel="email", template_key="new")
    answers = await at_once(
        stage, *(lambda tx: create_template(tx, stage.caller, new) for _ in range(8))
    )
    assert [type(each) for each in answers].count(TemplateExists) == 7
