"""Makes messages of an audience, a batch at a time: of people who match, of recipients who were
given, or of messages of another send that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from server.commands.campaigns.program import program_of
from server.commands.gate.rules import campaign_rule
from server.commands.sends.begin import begin, to_own_addresses
from server.commands.sends.classify_recipients import hold_back
from server.domain.contacts.recipients import ClassifiedRecipients
from server.domain.criteria.parse import parse_criteria
from storage.contract.storage import Transaction
from storage.model.audiences import AudienceMember, GivenRecipient, SkipReason
from storage.model.ids import new_id
from storage.model.programs import Step
from storage.model.sends import Send, SendStatus

BATCH = 1000
"""People a transaction: long enough to be fast, short enough not to hold up other writers."""


async def resolve_audience_batch(tx: Transaction, send_id: str, now: datetime) -> None:
    """Adds the next batch of a send's audience; does nothing once it is done or cancelled.

    The cursor moves in the transaction that writes the messages, so a crash neither loses nor
    repeats anybody.
    """
    send = await tx.sends.find(send_id, lock=True)
    if send is None or send.audience_done or send.status is not SendStatus.SENDING:
        return
    if send.parent_send_id is not None:
        found, cursor = await _add_failed_messages(tx, send, now)
    elif send.criteria is not None:
        found, cursor = await _add_matching_people(tx, send, now)
    else:
        found, cursor = await _add_given_recipients(tx, send, now)
    await tx.sends.advance_audience(send.id, cursor, done=found < BATCH, now=now)


def classify_members(members: Sequence[AudienceMember]) -> ClassifiedRecipients:
    """People of an audience, each with the reason of their own to skip them."""
    return ClassifiedRecipients(
        [(member.person_id, member.address) for member in members],
        [SkipReason(member.skip_reason) if member.skip_reason else None for member in members],
    )


async def _add_matching_people(
    tx: Transaction, send: Send, now: datetime
) -> tuple[int, str | None]:
    """Begins with the next people. Returns how many there were, and the one to go on after."""
    criteria = parse_criteria(send.criteria or {}, "criteria")
    as_of = send.started_at or send.created_at
    reached_by = None if send.allow_shared_addresses else send.id
    members = await tx.people.list_matching(
        await campaign_rule(tx, send.brand_id, send.channel, send.template_key),
        criteria,
        as_of,
        send.audience_cursor,
        BATCH,
        reached_by=reached_by,
    )
    batch, steps = classify_members(members), await _steps_of(tx, send)
    if send.enrolls:
        batch = to_own_addresses(batch)
    if not send.allow_shared_addresses:
        batch = batch.once_per_address()
    await begin(tx, send, steps, batch, now, channel=send.channel)
    return len(members), members[-1].person_id if members else send.audience_cursor


def slices_of(whom: ClassifiedRecipients) -> Iterator[list[GivenRecipient]]:
    """The recipients in slices, of which each but the last is a batch."""
    everybody = iter(whom)
    while some := list(islice(everybody, BATCH)):
        yield [(*recipient, skip) for recipient, skip in some]


async def _add_given_recipients(
    tx: Transaction, send: Send, now: datetime
) -> tuple[int, str | None]:
    """Begins with the next recipients who were given. Returns how many there were."""
    taken = await tx.sends.take_recipients(send, now)
    campaign = await tx.campaigns.find(send.campaign_id)
    assert campaign is not None, "what has a send is not deleted"
    await begin_with_given(tx, send, await program_of(tx, campaign), taken, now)
    return len(taken), None


async def begin_with_given(
    tx: Transaction,
    send: Send,
    steps: Sequence[Step],
    given: Sequence[GivenRecipient],
    now: datetime,
) -> None:
    """Begins with recipients who were given, of whom the gate holds back some."""
    whom = ClassifiedRecipients(
        [(person_id, address) for person_id, address, _ in given],
        [SkipReason(skip) if skip else None for _, _, skip in given],
    )
    await begin(tx, send, steps, await hold_back(tx, send.brand_id, steps, whom), now)


async def _steps_of(tx: Transaction, send: Send) -> tuple[Step, ...]:
    """What a send that enrolls runs: nothing of the steps of a campaign that has started changes
    but their versions."""
    return await tx.steps.list_of(send.campaign_id) if send.enrolls else ()


async def _add_failed_messages(
    tx: Transaction, send: Send, now: datetime
) -> tuple[int, str | None]:
    """Adds the next failed messages of the parent again. Returns how many there were, and the
    message to go on after. The gate looks at them when they are claimed."""
    assert send.parent_send_id is not None
    failed = await tx.sends.mark_retried(
        send.parent_send_id, send.id, send.retries_unknown, send.audience_cursor, BATCH, now
    )
    await tx.messages.insert_many(send.again(new_id(), message, now) for message in failed)
    return len(failed), failed[-1].id if failed else send.audience_cursor
