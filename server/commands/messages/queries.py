"""Reads messages and their attempts."""

from __future__ import annotations

from dataclasses import replace

from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id, read_address
from server.domain.errors import NotFound
from server.domain.paging import Page, make_page, read_page_request
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.channels import Channel
from storage.model.messages import Attempt, Message, MessageFilter


async def get_message(tx: Transaction, caller: Caller, message_id: str) -> Message:
    """The message. Raises NotFound."""
    message = await tx.messages.find(message_id)
    if message is None or not caller.principal.owns(message.brand_id):
        raise NotFound("message")
    return message


async def get_message_summary(
    tx: Transaction, caller: Caller, message_id: str
) -> tuple[Message, str | None]:
    """The message and the provider that was called for it last, if one was. Raises NotFound."""
    message = await get_message(tx, caller, message_id)
    return message, await tx.messages.find_provider(message_id)


async def list_messages(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    where: MessageFilter,
    page_size: int,
    page_token: str,
) -> Page[Message]:
    """A page of a brand's messages, newest first. Raises NotFound, ValidationFailed."""
    where = _check_filter(where)
    brand = caller.principal.brand_or_only(brand_id)
    query = f"messages/{brand}/{where}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.messages.list_page(brand, where, page.after, page.size + 1)
    return make_page(rows, page, query, lambda message: message.id)


def _check_filter(where: MessageFilter) -> MessageFilter:
    """The filter with its person in normal form. Raises ValidationFailed."""
    checks = Checks()
    if where.person_id is not None:
        where = replace(where, person_id=check_person_id(checks, "person_id", where.person_id))
    if where.created_after is not None and where.created_before is not None:
        checks.require(
            where.created_after < where.created_before,
            "created_before",
            "must be after created_after",
        )
    checks.finish()
    return where


def forms_of_address(channel: str | None, address: str) -> tuple[str, ...]:
    """The forms that messages to an address may have it in: its normal form on the channel, or on
    any, and as it is given, which is how an address that none can be sent to is kept."""
    channels = list(Channel) if channel is None else [channel]
    normal = (read_address(each, address) for each in channels)
    return tuple(dict.fromkeys([address, *(form for form in normal if form is not None)]))


async def list_message_attempts(
    tx: Transaction, caller: Caller, message_id: str, page_size: int, page_token: str
) -> Page[Attempt]:
    """A page of a message's attempts, first to last. Raises NotFound, ValidationFailed."""
    query = f"attempts/{message_id}"
    page = read_page_request(page_size, page_token, query)
    message = await get_message(tx, caller, message_id)
    rows = await tx.messages.list_attempts(message.id, page.after, page.size + 1)
    return make_page(rows, page, query, lambda attempt: attempt.id)
