"""Reads sends."""

from __future__ import annotations

from dataclasses import replace

from server.commands.sends.access import send_for
from server.domain.access import Caller
from storage.contract.storage import Transaction
from storage.model.sends import ReasonCount, Send


async def get_send(tx: Transaction, caller: Caller, send_id: str) -> Send:
    """The send. Raises NotFound."""
    return await send_for(tx, caller, send_id)


async def get_send_report(
    tx: Transaction, caller: Caller, send_id: str
) -> tuple[Send, list[ReasonCount]]:
    """The send and its messages counted by step, status and reason, both of one moment. Raises
    NotFound."""
    send = await send_for(tx, caller, send_id)
    counts = await tx.messages.count_by_reason(send.id)
    steps = await tx.steps.list_of(send.campaign_id)
    if len(steps) == 1:
        # Where a message is all there is, it does not say of which step it is.
        counts = [replace(each, step=steps[0].position) for each in counts]
    return send, counts
