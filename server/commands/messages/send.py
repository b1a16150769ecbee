"""Accepts a message to be sent at once, and waits for what becomes of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

from server.commands.campaigns.content import require_template
from server.commands.messages.gate import require_contactable
from server.commands.messages.schedule import (
    NewMessage,
    accepted_by,
    check_new_message,
    make_message,
)
from server.commands.sends.quiescence import POLL_SHARED
from server.domain.access import Caller
from server.domain.errors import (
    DedupKeyUsed,
    TemplateUnusable,
    ValidationFailed,
    VariablesInvalid,
)
from server.domain.templates.notice import find_unfit_variables
from server.domain.validation import Checks
from storage.contract.errors import StorageError
from storage.contract.signals import outcome, wait_for_signal
from storage.contract.storage import Storage, Transaction
from storage.model.messages import UNSTARTED, Message, MessageStatus
from storage.model.templates import TemplateVersion

Seen = tuple[Message, str | None]
"""A message, and what was found of it."""
POLL_SIGNALLED = 0.5
"""Seconds between looks at a database whose other processes are heard."""
_ONGOING = UNSTARTED | {MessageStatus.SENDING}


async def accept_at_once(tx: Transaction, caller: Caller, new: NewMessage) -> Message:
    """Accepts the message, pinned to the template's latest revision, and due now whatever it says.

    Raises NotFound for a brand of others, ValidationFailed for fields that no message can have,
    DedupKeyUsed, TemplateUnusable, VariablesInvalid, Suppressed, NoConsent, PreferenceOff: nothing
    is stored then.
    """
    new = replace(check_new_message(caller, new), scheduled_at=caller.now)
    _check_expiry(new, caller.now)
    await _require_unused_key(tx, new)
    template = await _usable_template(tx, new)
    violations = find_unfit_variables(new.channel, template.variables, new.variables)
    if violations:
        raise VariablesInvalid(violations)
    await require_contactable(
        tx,
        new.brand_id,
        new.channel,
        new.template_key,
        (new.person_id, new.recipient),
    )
    message = make_message(caller, new, template.revision)
    if not await tx.messages.insert_unless_duplicate(message, accepted_by(caller)):
        await _require_unused_key(tx, new)
    return message


async def wait_for_outcome(
    storage: Storage, message_id: str, now: datetime, seconds: float
) -> Seen | None:
    """`wait_for_outcomes` of one message, with the provider called last."""
    seen = await wait_for_outcomes(
        storage, [message_id], lambda tx, each: tx.messages.find_provider(each), now, seconds
    )
    return None if seen is None else seen[0]


async def wait_for_outcomes(
    storage: Storage,
    message_ids: Sequence[str],
    find: Callable[[Transaction, str], Awaitable[str | None]],
    now: datetime,
    seconds: float,
) -> list[Seen] | None:
    """The messages once something became of all of them, or after so many seconds from `now`, or at
    once when the rest are to be tried only later than that; each with what `find` finds of it. None
    if the messages cannot be read: they were accepted all the same."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    until = now + timedelta(0, seconds)
    changed = asyncio.Event()
    found: dict[str, Seen] = {}
    ongoing = list(message_ids)
    with ExitStack() as subscriptions:
        for message_id in message_ids:
            subscriptions.enter_context(storage.signals.subscribe(outcome(message_id), changed))
        while True:
            changed.clear()
            seen = await _look(storage, ongoing, find)
            if seen is None:
                return None
            found.update((each[0].id, each) for each in seen)
            ongoing = [message.id for message, _ in seen if _may_end(message, until)]
            left = end - loop.time()
            if left <= 0 or not ongoing:
                return [found[message_id] for message_id in message_ids]
            await wait_for_signal(changed, min(left, _poll_interval(storage)))


def _poll_interval(storage: Storage) -> float:
    """Seconds after which to look though nothing was signalled."""
    if storage.exclusive:
        return math.inf
    # Other processes settle too, and what they signal may be lost.
    return POLL_SIGNALLED if storage.signals.shared else POLL_SHARED


def _may_end(message: Message, until: datetime) -> bool:
    """Whether something may become of it before then."""
    return message.status in _ONGOING and not (
        message.status is MessageStatus.PENDING and message.due_at > until
    )


async def _look(
    storage: Storage,
    message_ids: Sequence[str],
    find: Callable[[Transaction, str], Awaitable[str | None]],
) -> list[Seen] | None:
    async def read(tx: Transaction) -> list[Seen] | None:
        seen = []
        for message_id in message_ids:
            message = await tx.messages.find(message_id)
            if message is None:
                return None
            seen.append((message, await find(tx, message_id)))
        return seen

    try:
        return await storage.read(read)
    except StorageError:
        return None


def _check_expiry(new: NewMessage, now: datetime) -> None:
    checks = Checks()
    if new.expire_at is not None:
        checks.expiry("expire_at", new.expire_at, now)
    checks.finish()


async def _usable_template(tx: Transaction, new: NewMessage) -> TemplateVersion:
    try:
        return await require_template(tx, new.brand_id, new.channel, new.template_key)
    except ValidationFailed as error:
        raise TemplateUnusable(error.violations[0].message) from None


async def _require_unused_key(tx: Transaction, new: NewMessage) -> None:
    first = await tx.messages.find_by_dedup_key(new.brand_id, new.dedup_key)
    if first is not None:
        raise DedupKeyUsed(first.id)
