"""Retries what failed in an ended send."""

from __future__ import annotations

from dataclasses import replace

from server.commands.operations.audit import note
from server.commands.sends.access import found_send, send_for
from server.commands.sends.resolve_audience import resolve_audience_batch
from server.domain.access import Caller
from server.domain.errors import BadState
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.sends import Counters, Recipients, Send, SendStatus

_NEWEST_SENDS = 200


async def retry_failed(
    tx: Transaction, caller: Caller, send_id: str, *, include_unknown: bool
) -> Send:
    """Starts a send over the failed messages of an ended one (and those of unknown outcome, which
    become failed there), with its content.

    The first batch of its audience is resolved at once. Raises NotFound, or BadState if the send
    has not ended, is stale, is being retried, or has nothing to retry.
    """
    parent = await send_for(tx, caller, send_id, lock=True)
    await _require_retryable(tx, caller, parent, include_unknown)
    child = replace(
        parent,
        id=new_id(),
        status=SendStatus.SENDING,
        criteria=None,
        audience_cursor=None,
        audience_done=False,
        counters=Counters(),
        enrolls=False,
        recipients=Recipients(),
        started_at=caller.now,
        completed_at=None,
        created_by=caller.principal.subject,
        created_at=caller.now,
        paused_at=None,
        parent_send_id=parent.id,
        retries_unknown=include_unknown,
        pruned=False,
        receipt=None,
    )
    await tx.sends.insert(child)
    details = {"child_send_id": child.id, "include_unknown": include_unknown}
    await note(tx, caller, parent.brand_id, AuditAction.SEND_RETRIED, parent.id, **details)
    await resolve_audience_batch(tx, child.id, caller.now)
    return await found_send(tx, child.id)


async def _require_retryable(
    tx: Transaction, caller: Caller, parent: Send, include_unknown: bool
) -> None:
    if parent.completed_at is None:
        raise BadState("send", parent.status, "cannot retry a send that has not ended")
    if parent.expire_at is not None and parent.expire_at <= caller.now:
        raise BadState("send", parent.status, "cannot retry a send whose messages are stale")
    siblings = await tx.sends.list_page(parent.campaign_id, None, _NEWEST_SENDS)
    if any(send.parent_send_id == parent.id and not send.audience_done for send in siblings):
        raise BadState("send", parent.status, "cannot retry a send that is being retried")
    if not await tx.sends.count_retryable(parent.id, unknown=include_unknown):
        raise BadState("send", parent.status, "there is nothing to retry in this send")
