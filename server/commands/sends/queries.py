"""Reads sends."""

from __future__ import annotations

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
    """The send and its messages counted by status and reason, both of one moment. Raises
    NotFound."""
    send = await send_for(tx, caller, send_id)
    return send, await tx.messages.count_by_reason(send.id)
