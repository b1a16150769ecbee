"""Pauses a running send, and resumes it."""

from __future__ import annotations

from server.commands.command import Answer, Commit
from server.commands.operations.audit import note
from server.commands.sends.access import found_send, send_for
from server.commands.sends.quiescence import wait_until_quiesced
from server.domain.access import Caller
from server.domain.errors import BadState
from storage.contract.storage import Storage, Transaction
from storage.model.audit import AuditAction
from storage.model.sends import Send, SendStatus


async def pause_send_and_wait(
    storage: Storage, commit: Commit[Send, Answer], send_id: str
) -> Answer:
    """Pauses the send, and answers when no provider call of it can begin any more. Raises like
    `pause_send`."""
    answer = await commit(lambda tx, caller: pause_send(tx, caller, send_id))
    await wait_until_quiesced(storage, [send_id])
    return answer


async def pause_send(tx: Transaction, caller: Caller, send_id: str) -> Send:
    """Pauses the send: once this is committed, none of its messages is marked any more, while calls
    that were marked before may yet begin. Pausing again changes nothing.

    Raises NotFound, or BadState once it has ended.
    """
    send = await send_for(tx, caller, send_id, lock=True)
    if send.status is not SendStatus.SENDING:
        raise BadState("send", send.status, f"cannot pause a send that is {send.status}")
    if send.paused_at is not None:
        return send
    await tx.sends.pause(send.id, caller.now)
    await note(tx, caller, send.brand_id, AuditAction.SEND_PAUSED, send.id)
    return await found_send(tx, send.id)


async def resume_send(tx: Transaction, caller: Caller, send_id: str) -> Send:
    """Ends the pause; changes nothing if the send is not paused or has ended. Raises NotFound."""
    send = await send_for(tx, caller, send_id, lock=True)
    if send.status is not SendStatus.SENDING or send.paused_at is None:
        return send
    await tx.sends.resume(send.id)
    await note(tx, caller, send.brand_id, AuditAction.SEND_RESUMED, send.id)
    return await found_send(tx, send.id)
