"""Lists messages whose outcome cannot be known, and carries out an operator's decision about
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.commands.operations.audit import decision
from server.domain.access import Caller
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.messages import Message, Resolution, UnknownMessage
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True)
class Resolved:
    """What came of a decision."""

    count: int
    """How many messages were resolved."""
    unresolved_ids: list[str]
    """The others, each once, in the order they were given."""


async def list_unknown_messages(
    tx: Transaction, caller: Caller, brand_id: str, send_id: str, page_size: int, page_token: str
) -> Page[UnknownMessage]:
    """A page of a brand's unknown messages, newest first; of one send alone if it is given. Raises
    NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"unknown/{brand}/{send_id}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.messages.list_unknown(brand, send_id or None, page.after, page.size + 1)
    return make_page(rows, page, query, lambda unknown: unknown.message.id)


async def resolve_unknown_messages(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    message_ids: Sequence[str],
    resolution: Resolution,
    note: str,
) -> Resolved:
    """Resolves those of the messages that are unknown, each with an entry in the log. Raises
    NotFound for a brand of others, ValidationFailed if it is not clear which brand is meant."""
    brand = caller.principal.brand_or_only(brand_id)
    wanted = list(dict.fromkeys(message_ids))
    resolved = await tx.messages.resolve_unknown(brand, wanted, resolution, caller.now)
    await tx.audit.append(
        [
            decision(
                caller,
                brand,
                AuditAction.MESSAGE_RESOLVED,
                message.id,
                _details(message, resolution, note),
            )
            for message in resolved
        ]
    )
    done = {message.id for message in resolved}
    return Resolved(len(done), [message_id for message_id in wanted if message_id not in done])


def _details(message: Message, resolution: Resolution, note: str) -> JsonObject:
    details: JsonObject = {"resolution": resolution.value, "note": note}
    return details if message.send_id is None else {**details, "send_id": message.send_id}
