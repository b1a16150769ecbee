"""Whom a send reaches, what it keeps of its campaign, and what refuses to start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from server.commands.campaigns.cancel import cancel_campaign
from server.commands.campaigns.delete import delete_campaign
from server.commands.campaigns.queries import (
    get_campaign,
    list_campaign_sends,
)
from server.commands.campaigns.schedule import schedule_campaign, unschedule_campaign
from server.commands.campaigns.update import update_campaign
from server.commands.sends.queries import get_send, get_send_report
from server.commands.sends.start import send_campaign
from server.domain.access import Caller, Principal
from server.domain.contacts.addresses import Recipient
from server.domain.errors import NotFound, ValidationFailed
from server.domain.faces import Face
from storage.model.campaigns import CampaignStatus
from storage.model.sends import Send, SendStatus
from tests.support.dispatch.stage import Stage
from tests.support.storage import made

ANN = ("ann", "ann@example.com")


async def publish(stage: Stage, recipients: list[Recipient], **more: Any) -> Send:
    campaign = await stage.campaign(
        face="messaging", segment_id="nowhere", segment_criteria=None, **more
    )
    return await stage.storage.write(
        lambda tx: send_campaign(tx, stage.caller, Face.MESSAGING, campaign.id, recipients)
    )


async def test_a_recipient_named_twice_gets_one_message(stage: Stage) -> None:
    send = await publish(stage, [ANN, ANN, ("ann", "other@example.com"), ("bob", ANN[1]), ANN])
    assert (send.counters.total, send.counters.pending, send.counters.skipped) == (5, 2, 3)
    await stage.run(stage.workers())
    assert sorted(stage.email.addresses()) == ["ann@example.com", "other@example.com"]
    _, report = await stage.storage.read(lambda tx: get_send_report(tx, stage.caller, send.id))
    assert [(row.status, row.reason, row.count) for row in report] == [
        ("sent", None, 2),
        ("skipped", "duplicate", 3),
    ]


async def test_where_addresses_may_be_shared_each_person_gets_one(stage: Stage) -> None:
    send = await publish(
        stage,
        [ANN, ANN, ("ann", "other@example.com"), ("bob", ANN[1]), ANN],
        allow_shared_addresses=True,
    )
    assert (send.counters.total, send.counters.pending, send.counters.skipped) == (5, 3, 2)
    await stage.run(stage.workers())
    assert sorted(stage.email.addresses()) == [
        "ann@example.com",
        "ann@example.com",
        "other@example.com",
    ]


@pytest.mark.parametrize(
    "blank",
    [
        ("", "ann@example.com"),
        ("ann", ""),
        (" ", "ann@example.com"),
        ("ann", "\n"),
        ("a\nb", "x"),
        ("a", "x\r\ny"),
    ],
)
async def test_in_messaging_a_recipient_that_cannot_be_reached_is_skipped(
    stage: Stage, blank: Recipient
) -> None:
    send = await publish(stage, [ANN, blank])
    assert (send.counters.total, send.counters.pending, send.counters.skipped) == (2, 1, 1)
    fates = {
        (message.person_id, message.recipient): await stage.fate(message)
        for message in await stage.messages_of(send)
    }
    assert fates == {ANN: ("pending", None), blank: ("skipped", "invalid_recipient")}


async def test_a_send_without_anybody_to_reach_is_over_at_once(stage: Stage) -> None:
    send = await publish(stage, [("", ""), ("", "")])
    assert (send.status, send.counters.skipped, send.completed_at) == (
        SendStatus.COMPLETED,
        2,
        stage.clock.now(),
    )
    assert (await stage.found_campaign(send.campaign_id)).status is CampaignStatus.SENT


@pytest.mark.parametrize(
    ("recipients", "field"),
    [
        ([ANN, ("", "x@example.com")], "recipients[1].person_id"),
        ([ANN, ANN, ("ann", " ")], "recipients[2].recipient"),
        ([ANN, ("ann", "x" * 513)], "recipients[1].recipient"),
        ([("ann", "x\x00")], "recipients[0].recipient"),
    ],
)
async def test_in_comms_bad_recipients_refuse_the_send_and_change_nothing(
    stage: Stage, recipients: list[Recipient], field: str
) -> None:
    campaign = await stage.campaign()
    with pytest.raises(ValidationFailed) as refused:
        await stage.storage.write(
            lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, recipients)
        )
    assert [violation.field for violation in refused.value.violations] == [field]
    assert (await stage.sends_of(campaign), await stage.found_campaign(campaign.id)) == (
        [],
        campaign,
    )


async def test_a_campaign_without_a_template_does_not_start(stage: Stage) -> None:
    campaign = await stage.campaign(template_key="nowhere")
    with pytest.raises(ValidationFailed):
        await stage.storage.write(
            lambda tx: send_campaign(tx, stage.caller, Face.COMMS, campaign.id, [ANN])
        )
    assert await stage.found_campaign(campaign.id) == campaign


async def test_a_send_is_a_snapshot_of_its_campaign(stage: Stage) -> None:
    await stage.template(body="second")
    send, _ = await stage.send([ANN], subject="Spring", variables={"a": 1})
    assert (send.template_revision, send.subject, send.variables, send.created_by) == (
        2,
        "Spring",
        {"a": 1},
        "tester",
    )
    assert (send.status, send.started_at) == (SendStatus.SENDING, stage.clock.now())


async def test_campaigns_and_sends_of_other_brands_and_faces_do_not_exist(stage: Stage) -> None:
    campaign = await stage.campaign()
    send, _ = await stage.send(1)
    other = Caller(Principal("other", frozenset({"other"}), frozenset()), stage.clock.now())
    for caller, face in ((other, Face.COMMS), (stage.caller, Face.MESSAGING)):
        for operation in (
            lambda tx: get_campaign(tx, caller, face, campaign.id),  # noqa: B023
            lambda tx: update_campaign(tx, caller, face, campaign.id, {"name": "mine"}),  # noqa: B023
            lambda tx: schedule_campaign(tx, caller, face, campaign.id, stage.clock.now()),  # noqa: B023
            lambda tx: unschedule_campaign(tx, caller, face, campaign.id),  # noqa: B023
            lambda tx: send_campaign(tx, caller, face, campaign.id, [ANN]),  # noqa: B023
            lambda tx: cancel_campaign(tx, caller, face, campaign.id),  # noqa: B023
            lambda tx: delete_campaign(tx, caller, face, campaign.id),  # noqa: B023
            lambda tx: list_campaign_sends(tx, caller, face, campaign.id, 0, ""),  # noqa: B023
        ):
            with pytest.raises(NotFound) as refused:
                await stage.storage.write(operation)
            assert refused.value.reason == "campaign_not_found"
    for query in (get_send, get_send_report):
        with pytest.raises(NotFound):
            await stage.storage.read(lambda tx: query(tx, other, send.id))  # noqa: B023
    assert await stage.found_campaign(campaign.id) == campaign


async def test_a_segment_deleted_or_of_another_brand_reaches_nobody(stage: Stage) -> None:
    segment = made.segment(brand_id="other")
    await stage.storage.write(lambda tx: tx.segments.insert(segment))
    campaign = await stage.campaign(face="messaging", segment_id="nowhere", segment_criteria=None)
    with pytest.raises(ValidationFailed):
        await stage.storage.write(
            lambda tx: send_campaign(tx, stage.caller, Face.MESSAGING, campaign.id, None)
        )
    assert await stage.found_campaign(campaign.id) == replace(campaign)
