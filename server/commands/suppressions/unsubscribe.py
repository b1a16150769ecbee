"""Unsubscribes a person by the link in a message."""

from __future__ import annotations

from datetime import datetime

from server.commands.operations.audit import note
from server.domain.access import Caller, Principal
from server.domain.contacts.addresses import read_address
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.audit import RECIPIENT, AuditAction
from storage.model.ids import new_id
from storage.model.messages import Message
from storage.model.suppressions import Suppression, SuppressionReason

SOURCE = "one-click"


async def find_linked_message(tx: Transaction, message_id: str | None) -> Message:
    """The message that a link's token stands for. Raises NotFound, also for a token that is not
    ours (None)."""
    message = None if message_id is None else await tx.messages.find(message_id)
    if message is None:
        raise NotFound("message")
    return message


async def unsubscribe(
    tx: Transaction, message_id: str | None, now: datetime, request_id: str | None = None
) -> None:
    """Suppresses the message's address on its channel in its brand; doing so again changes nothing.
    Raises NotFound."""
    message = await find_linked_message(tx, message_id)
    address = read_address(message.channel, message.recipient) or message.recipient
    if await tx.suppressions.find_address(message.brand_id, message.channel, address) is not None:
        # Held back already, for this reason or a stronger one. Nor may whoever has the link fill
        # the log.
        return
    suppression = Suppression(
        id=new_id(),
        brand_id=message.brand_id,
        channel=message.channel,
        address=address,
        reason=SuppressionReason.UNSUBSCRIBE,
        source=SOURCE,
        created_at=now,
    )
    await tx.suppressions.put_many([suppression])
    somebody = Caller(
        Principal(RECIPIENT, frozenset({message.brand_id}), frozenset()), now, request_id
    )
    await note(
        tx,
        somebody,
        message.brand_id,
        AuditAction.UNSUBSCRIBED,
        message.id,
        suppression_id=suppression.id,
    )
