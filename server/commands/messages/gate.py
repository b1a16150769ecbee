"""Asks whether a new message may go to its address: the one place to extend with what else holds
messages back."""

from __future__ import annotations

from server.domain.contacts.suppression import blocks
from server.domain.errors import Suppressed
from storage.contract.storage import Transaction
from storage.model.messages import Purpose


async def require_contactable(tx: Transaction, brand_id: str, channel: str, address: str) -> None:
    """Raises Suppressed if a message to the address, in normal form, must not go out."""
    found = await tx.suppressions.find_address(brand_id, channel, address)
    if found is not None and blocks(found.reason, Purpose.TRANSACTIONAL):
        raise Suppressed(found.reason)
