"""Cancels a one-off message."""

from __future__ import annotations

from server.commands.messages.queries import get_message
from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import BadState
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.messages import Message, MessageStatus


async def cancel_message(tx: Transaction, caller: Caller, message_id: str) -> Message:
    """Cancels a message no provider is being called for; cancelling again changes nothing. Raises
    NotFound, BadState.

    One that is to be sent again because nobody knows what became of an earlier call is not sent
    again, and its outcome stays unknown.
    """
    await get_message(tx, caller, message_id)
    stopped = await tx.messages.cancel(message_id, caller.now)
    message = await get_message(tx, caller, message_id)
    if not stopped and message.status is not MessageStatus.CANCELLED:
        raise BadState(
            "message", message.status, f"cannot cancel a message that is {message.status}"
        )
    if stopped:
        await note(tx, caller, message.brand_id, AuditAction.MESSAGE_CANCELLED, message.id)
    return message
