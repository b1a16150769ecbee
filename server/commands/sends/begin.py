"""Begins with the recipients of a send: makes the message of each, or enrolls them where more may
follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from server.domain.contacts.addresses import Recipient
from server.domain.contacts.recipients import ClassifiedRecipients, channel_served
from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.ids import new_id
from storage.model.messages import Message
from storage.model.programs import (
    OWN_ADDRESS,
    Enrollment,
    RecipientOutcome,
    Step,
    channels_of,
)
from storage.model.sends import Send

_AT_ONCE = 5000


def enrolls(steps: Sequence[Step]) -> bool:
    """Whether a send of these steps enrolls people: of one step that is due at once, the message is
    all there is to know."""
    return len(steps) > 1 or steps[0].delay_minutes > 0


async def begin(
    tx: Transaction,
    send: Send,
    steps: Sequence[Step],
    whom: ClassifiedRecipients,
    now: datetime,
    *,
    channel: str | None = None,
) -> None:
    """Begins with the recipients of a send that runs `steps`. Their addresses are of `channel`, or
    with None of whichever takes them. Who must not be contacted is a row that is skipped; what
    holds back the first step alone is left to it."""
    if not send.enrolls:
        await tx.messages.insert_many(
            send.message(new_id(), *recipient, skip, now) for recipient, skip in whom
        )
        return
    remaining = iter(whom)
    while some := list(islice(remaining, _AT_ONCE)):
        rows = [_begun(send, steps, channel, recipient, skip, now) for recipient, skip in some]
        await tx.enrollments.insert_many([each for each, _ in rows if each is not None])
        await tx.messages.insert_many(message for _, message in rows)


def to_own_addresses(whom: ClassifiedRecipients) -> ClassifiedRecipients:
    """The people of an audience that a send enrolls: those whom only the first step does not reach
    go to their own addresses, whatever these are when a step runs."""
    recipients: list[Recipient] = []
    skips: list[SkipReason | None] = []
    for (person_id, address), skip in whom:
        later = skip in (SkipReason.NO_ADDRESS, SkipReason.PREFERENCE_OFF)
        recipients.append((person_id, OWN_ADDRESS) if later else (person_id, address))
        skips.append(None if later else skip)
    return ClassifiedRecipients(recipients, skips)


def _begun(
    send: Send,
    steps: Sequence[Step],
    channel: str | None,
    recipient: Recipient,
    skip: SkipReason | None,
    now: datetime,
) -> tuple[Enrollment | None, Message]:
    first, (person_id, address) = steps[0], recipient
    if skip is not None and skip is not SkipReason.PREFERENCE_OFF:
        return None, send.message(new_id(), person_id, address, skip, now, step=first)
    serves = channel or channel_served(channels_of(steps), recipient) or first.channel
    enrollment = Enrollment(
        id=new_id(),
        brand_id=send.brand_id,
        program_id=send.campaign_id,
        person_id=person_id,
        recipient=address,
        recipient_channel=serves,
        current_step=first.position,
        next_step_at=now + timedelta(minutes=first.delay_minutes),
        created_by=send.created_by,
        enrolled_at=now,
        send_id=send.id,
        outcome=RecipientOutcome.PENDING,
    )
    to = address if serves == first.channel else OWN_ADDRESS
    return enrollment, send.message(
        new_id(), person_id, to, None, now, step=first, enrollment=enrollment
    )
