"""Cancels an enrollment."""

from __future__ import annotations

from server.commands.command import Answer, Commit
from server.commands.operations.audit import note
from server.commands.sends.quiescence import wait_until_step_quiesced
from server.commands.sequences.queries import get_enrollment
from server.domain.access import Caller
from storage.contract.storage import Storage, Transaction
from storage.model.audit import AuditAction
from storage.model.programs import Enrollment


async def cancel_enrollment_and_wait(
    storage: Storage, commit: Commit[Enrollment, Answer], enrollment_id: str
) -> Answer:
    """Cancels the enrollment, and answers when no provider call of it can begin any more. Raises
    like `cancel_enrollment`."""
    answer = await commit(lambda tx, caller: cancel_enrollment(tx, caller, enrollment_id))
    await wait_until_step_quiesced(storage, enrollment_id)
    return answer


async def cancel_enrollment(tx: Transaction, caller: Caller, enrollment_id: str) -> Enrollment:
    """Cancels the enrollment: no step of it is planned or started any more, while a call that was
    marked before may yet begin. One that is over stays as it is. Raises NotFound."""
    enrollment = await get_enrollment(tx, caller, enrollment_id)
    if await tx.enrollments.cancel(enrollment.id, caller.now):
        await note(
            tx,
            caller,
            enrollment.brand_id,
            AuditAction.ENROLLMENT_CANCELLED,
            enrollment.id,
            sequence_id=enrollment.program_id,
        )
    return await get_enrollment(tx, caller, enrollment_id)
