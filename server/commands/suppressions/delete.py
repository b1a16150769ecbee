"""Deleting a suppression."""

from __future__ import annotations

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction


async def delete_suppression(tx: Transaction, caller: Caller, suppression_id: str) -> None:
    """Takes a suppression back. Raises NotFound."""
    suppression = await tx.suppressions.find(suppression_id)
    if suppression is None or not caller.principal.owns(suppression.brand_id):
        raise NotFound("suppression")
    await tx.suppressions.delete(suppression_id)
    lifted = {"channel": suppression.channel, "reason": suppression.reason.value}
    await note(
        tx, caller, suppression.brand_id, AuditAction.SUPPRESSION_LIFTED, suppression_id, **lifted
    )
