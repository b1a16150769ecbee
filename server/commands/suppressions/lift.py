"""Lifts a suppression."""

from __future__ import annotations

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.suppressions import Suppression


async def lift_suppression(tx: Transaction, caller: Caller, suppression_id: str) -> Suppression:
    """Lifts a suppression, whose row stays; one that was lifted stays as it is. Raises
    NotFound."""
    suppression = await tx.suppressions.find(suppression_id)
    if suppression is None or not caller.principal.owns(suppression.brand_id):
        raise NotFound("suppression")
    lifted = await tx.suppressions.lift(suppression_id, caller.now)
    if lifted is None:
        return suppression
    about = {"channel": lifted.channel, "reason": lifted.reason.value}
    await note(tx, caller, lifted.brand_id, AuditAction.SUPPRESSION_LIFTED, lifted.id, **about)
    return lifted
