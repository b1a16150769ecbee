"""Starts a send: because somebody asked for it (comms send, messaging publish), or because a
scheduled campaign came due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.content import audience_criteria, require_open_segment
from server.commands.campaigns.misfire import cancel_misfired
from server.commands.campaigns.program import is_pinned, pin_program, program_of
from server.commands.operations.audit import note
from server.commands.sends.access import found_send
from server.commands.sends.begin import enrolls
from server.commands.sends.classify_recipients import Classify, classify_given
from server.commands.sends.resolve_audience import (
    begin_with_given,
    resolve_audience_batch,
    slices_of,
)
from server.domain.access import Caller
from server.domain.contacts.addresses import Recipient
from server.domain.contacts.recipients import classify_recipients
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction, AuditEntry
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.ids import new_id
from storage.model.sends import Send, SendStatus
from storage.model.values import JsonObject


async def send_campaign(
    tx: Transaction,
    caller: Caller,
    face: Face,
    campaign_id: str,
    recipients: Sequence[Recipient] | None,
    expire_at: datetime | None = None,
    classify: Classify = classify_recipients,
) -> Send:
    """Sends a draft or scheduled campaign to exactly the recipients, or with None to its own
    audience. Its messages are stale at `expire_at`; None: as it was scheduled, or never.

    Raises NotFound, BadState, NoSteps, ValidationFailed; without recipients also SegmentArchived.
    In comms each recipient must be one that can be reached.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    if expire_at is not None:
        campaign = replace(campaign, expire_at=expire_at)
    if recipients is None:
        await require_open_segment(tx, campaign)
        send = await _start_resolving(tx, campaign, caller.principal.subject, caller.now)
        whom: JsonObject = {"audience": "segment"}
    else:
        send = await _start_with_recipients(tx, caller, face, campaign, recipients, classify)
        whom = {"recipients": len(recipients)}
    await note(
        tx,
        caller,
        send.brand_id,
        AuditAction.CAMPAIGN_STARTED,
        campaign.id,
        send_id=send.id,
        **whom,
    )
    return send


async def send_due_campaign(tx: Transaction, campaign_id: str, now: datetime) -> None:
    """Starts the send of a campaign that is scheduled and due, or cancels it if it is found too
    late; does nothing if it no longer is."""
    campaign = await tx.campaigns.find(campaign_id, lock=True)
    if campaign is None or campaign.status is not CampaignStatus.SCHEDULED:
        return
    if campaign.scheduled_at is None or campaign.scheduled_at > now:
        return
    if not await cancel_misfired(tx, campaign, now):
        send = await _start_resolving(tx, campaign, campaign.created_by, now)
        details: JsonObject = {
            "send_id": send.id,
            "scheduled_at": campaign.scheduled_at.isoformat(),
        }
        await tx.audit.append(
            [AuditEntry.own(send.brand_id, AuditAction.CAMPAIGN_STARTED, campaign.id, details, now)]
        )


async def _start_with_recipients(
    tx: Transaction,
    caller: Caller,
    face: Face,
    campaign: Campaign,
    recipients: Sequence[Recipient],
    classify: Classify,
) -> Send:
    """Starts a send to exactly these people. All of them are kept and counted in the transaction;
    messages are made of the first of them at once, of the others like those of an audience."""
    steps = await program_of(tx, campaign)
    whom = classify_given(face, campaign, steps, recipients, classify)
    send = await _start(tx, campaign, caller.principal.subject, caller.now, criteria=None)
    slices = slices_of(whom)
    await begin_with_given(tx, send, steps, next(slices, []), caller.now)
    kept = await tx.sends.keep_recipients(send, slices, caller.now)
    await tx.sends.advance_audience(send.id, None, done=not kept, now=caller.now)
    return await found_send(tx, send.id)


async def _start_resolving(
    tx: Transaction, campaign: Campaign, started_by: str, now: datetime
) -> Send:
    """Starts a send to the campaign's audience. The first batch is resolved at once, so that a
    small audience is counted in the answer."""
    send = await _start(
        tx, campaign, started_by, now, criteria=await audience_criteria(tx, campaign)
    )
    await resolve_audience_batch(tx, send.id, now)
    return await found_send(tx, send.id)


async def _start(
    tx: Transaction, campaign: Campaign, started_by: str, now: datetime, criteria: JsonObject | None
) -> Send:
    status = campaign_after(CampaignOperation.SEND, campaign.status)
    _check_expiry(campaign, now)
    if not is_pinned(campaign):
        # A scheduled one was checked when it was scheduled: nothing that came later may keep it
        # from starting.
        campaign = await pin_program(tx, campaign)
    steps = await program_of(tx, campaign)
    first, enrolling = steps[0], enrolls(steps)
    await tx.campaigns.replace(replace(campaign, status=status, published_at=now, updated_at=now))
    send = Send(
        id=new_id(),
        campaign_id=campaign.id,
        brand_id=campaign.brand_id,
        status=SendStatus.SENDING,
        channel=first.channel,
        template_key=first.template_key,
        template_revision=first.template_revision,
        subject=campaign.subject,
        # Of steps that people are enrolled in, each message has its own.
        variables={} if enrolling else first.variables,
        criteria=criteria,
        audience_cursor=None,
        audience_done=False,
        started_at=now,
        completed_at=None,
        created_by=started_by,
        created_at=now,
        expire_at=campaign.expire_at,
        allow_shared_addresses=campaign.allow_shared_addresses,
        enrolls=enrolling,
    )
    await tx.sends.insert(send)
    return send


def _check_expiry(campaign: Campaign, now: datetime) -> None:
    checks = Checks()
    if campaign.expire_at is not None:
        checks.expiry("expire_at", campaign.expire_at, now)
    checks.finish()
