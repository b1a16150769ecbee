"""The hold on delivery, which concerns the whole installation and no brand."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.errors import ValidationFailed
from storage.interface import Transaction
from storage.operations import Hold


async def get_hold(tx: Transaction, _: Caller) -> Hold:
    """Whether delivery is held."""
    return await tx.dispatchers.find_hold()


async def release_hold(tx: Transaction, caller: Caller, *, i_understand: bool) -> Hold:
    """Lets delivery go on; changes nothing if it is not held. Raises ValidationFailed unless the caller says that they understand."""
    if not i_understand:
        raise ValidationFailed.of("i_understand", "must be true: what went out before the database was put back may go out again")
    if (await tx.dispatchers.find_hold()).held_at is not None:
        await tx.dispatchers.release(caller.principal.subject, caller.now)
    return await tx.dispatchers.find_hold()
