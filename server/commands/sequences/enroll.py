"""Enrolls a person in a sequence."""

from __future__ import annotations

from datetime import timedelta

from server.commands.operations.audit import note
from server.commands.sequences.queries import get_sequence
from server.domain.access import Caller
from server.domain.contacts.addresses import (
    Recipient,
    check_person_id,
    find_channel_of,
)
from server.domain.errors import NotFound
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.programs import Enrollment, Sequence


async def enroll_person(
    tx: Transaction, caller: Caller, sequence_id: str, brand_id: str, recipient: Recipient
) -> Enrollment:
    """The new enrollment, or the active one of the person in the sequence at this address.

    Raises NotFound for a brand or sequence of others, ValidationFailed for an address that no
    channel takes.
    """
    caller.principal.require_brand(brand_id)
    sequence = await get_sequence(tx, caller, sequence_id)
    if sequence.brand_id != brand_id:
        raise NotFound("sequence")
    enrollment = _enrollment(caller, sequence, recipient)
    # The one in the way may end between the two statements, by another transaction.
    while not await tx.enrollments.insert(enrollment):
        active = await tx.enrollments.find_active(
            sequence.id, enrollment.person_id, enrollment.recipient
        )
        if active is not None:
            return active
    await note(
        tx,
        caller,
        brand_id,
        AuditAction.PERSON_ENROLLED,
        enrollment.id,
        sequence_id=sequence.id,
    )
    return enrollment


def _enrollment(caller: Caller, sequence: Sequence, recipient: Recipient) -> Enrollment:
    checks = Checks()
    person_id = check_person_id(checks, "person_id", recipient[0])
    channels = {step.channel for step in sequence.steps}
    found = find_channel_of(person_id, recipient[1], channels)
    if found is None:
        checks.add("recipient", "is no address that a channel of the sequence takes")
    checks.finish()
    assert found is not None, "checked just now"
    channel, address = found
    first = sequence.steps[0]
    return Enrollment(
        id=new_id(),
        brand_id=sequence.brand_id,
        program_id=sequence.id,
        person_id=person_id,
        recipient=address,
        recipient_channel=channel,
        current_step=first.position,
        next_step_at=caller.now + timedelta(minutes=first.delay_minutes),
        created_by=caller.principal.subject,
        enrolled_at=caller.now,
    )
