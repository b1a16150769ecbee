"""Asks whether a new message may go to its address: the one place to extend with what else holds
messages back."""

from __future__ import annotations

from server.commands.messages.schedule import NewMessage
from server.domain.contacts.suppression import blocks
from server.domain.errors import Suppressed
from storage.contract.storage import Transaction
from storage.model.messages import Purpose


async def require_contactable(tx: Transaction, new: NewMessage) -> None:
    """Raises Suppressed if the message, in normal form, must not go out."""
    found = await tx.suppressions.find_address(new.brand_id, new.channel, new.recipient)
    if found is not None and blocks(found.reason, Purpose.TRANSACTIONAL):
        raise Suppressed(found.reason)
