"""Finds sends as the caller may see them."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.sends import Send


async def send_for(tx: Transaction, caller: Caller, send_id: str, *, lock: bool = False) -> Send:
    """The send, if it is in a brand of the caller. Raises NotFound otherwise."""
    send = await tx.sends.find(send_id, lock=lock)
    if send is None or not caller.principal.owns(send.brand_id):
        raise NotFound("send")
    return send


async def found_send(tx: Transaction, send_id: str) -> Send:
    """A send that is known to exist, as this transaction has left it."""
    send = await tx.sends.find(send_id)
    assert send is not None, "found or inserted in this transaction"
    return send
