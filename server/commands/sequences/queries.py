"""Reads sequences and enrollments."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.programs import Enrollment, Sequence


async def get_sequence(tx: Transaction, caller: Caller, sequence_id: str) -> Sequence:
    """The sequence with its steps. Raises NotFound."""
    sequence = await tx.sequences.find(sequence_id)
    if sequence is None or not caller.principal.owns(sequence.brand_id):
        raise NotFound("sequence")
    return sequence


async def get_enrollment(tx: Transaction, caller: Caller, enrollment_id: str) -> Enrollment:
    """The enrollment in a sequence. Raises NotFound."""
    enrollment = await tx.enrollments.find(enrollment_id)
    is_known = enrollment is not None and caller.principal.owns(enrollment.brand_id)
    if enrollment is None or not is_known or enrollment.send_id is not None:
        raise NotFound("enrollment")
    return enrollment
