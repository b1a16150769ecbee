"""Reads and releases the hold on delivery, which concerns the whole installation and no brand."""

from __future__ import annotations

from dataclasses import replace

from server.commands.operations.audit import note
from server.domain.access import Caller
from storage.contract.storage import Transaction
from storage.model.audit import DELIVERY, INSTALLATION, AuditAction
from storage.model.dispatchers import Hold
from storage.model.values import JsonObject


async def get_hold(tx: Transaction, _: Caller) -> Hold:
    """Whether delivery is held. Of a hold that was released only who released it and when is
    left."""
    hold = await tx.dispatchers.find_hold()
    return hold if hold.held_at is not None else replace(hold, reason=None)


async def release_hold(tx: Transaction, caller: Caller) -> Hold:
    """Lets delivery go on; changes nothing if it is not held."""
    hold = await tx.dispatchers.find_hold()
    if hold.held_at is not None:
        await tx.dispatchers.release(caller.principal.subject, caller.now)
        details: JsonObject = {"reason": hold.reason, "held_at": hold.held_at.isoformat()}
        await note(tx, caller, INSTALLATION, AuditAction.DELIVERY_RELEASED, DELIVERY, **details)
    return await get_hold(tx, caller)
