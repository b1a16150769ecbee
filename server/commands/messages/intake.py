"""Accepts one-off messages that arrive at the same time by one statement and one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from server.commands.messages.schedule import (
    NewMessage,
    accepted_by,
    check_new_message,
    judge_new_message,
    make_message,
    schedule_message,
)
from server.domain.access import Caller
from server.domain.contacts.category import category_of
from storage.contract.errors import StorageUnavailable
from storage.contract.storage import Storage, Transaction
from storage.model.brands import TRANSACTIONAL
from storage.model.messages import Accepted, Message, Purpose
from storage.model.templates import TemplateVariable, TemplateVersion

_LARGEST_BATCH = 500
_GATHER_SECONDS = 0.008
"""After messages came together, how long the next are waited for: handing a batch to the database
costs as much as ten rows."""
_REMEMBERED_TEMPLATES = 1024

_Insert = tuple[Message, Accepted, "asyncio.Future[bool]"]
_TemplateId = tuple[str, str, str]
"""Brand, channel, template key."""


class MessageIntake:
    """Schedules messages as `schedule_message` does, most of them without a transaction of their
    own.

    It judges by the revision of a template that was the latest when it last looked, and lets the
    insert itself say whether it still is, whether the dedup key is new, and whether the address is
    free. Wherever anything is amiss, and where a category asks for more than that of a person, it
    decides nothing, and `schedule_message` does.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._inserts = JoinedInserts(storage)
        self._templates: dict[_TemplateId, tuple[int, Sequence[TemplateVariable]]] = {}

    async def schedule(self, caller: Caller, new: NewMessage) -> Message:
        """The message, once it is durable. Raises what `schedule_message` raises."""
        template_id = (new.brand_id, new.channel, new.template_key)
        template = self._templates.get(template_id)
        new = check_new_message(caller, new)
        if template is None:
            template = await self._look_up(template_id)
        if template is not None:
            revision, schema = template
            if not judge_new_message(caller, new, schema).count:
                message = make_message(caller, new, revision)
                if await self._inserts.insert(message, accepted_by(caller)):
                    return message
                await self._look_up(template_id)
        return await self._storage.write(lambda tx: schedule_message(tx, caller, new))

    async def _look_up(
        self, template_id: _TemplateId
    ) -> tuple[int, Sequence[TemplateVariable]] | None:
        async def read(tx: Transaction) -> TemplateVersion | None:
            template = await tx.templates.find_by_key(*template_id)
            of_template = None if template is None else template.category
            if category_of(Purpose.TRANSACTIONAL, of_template) != TRANSACTIONAL:
                return None
            return await tx.templates.find_version(*template_id)

        template = await self._storage.read(read)
        if template is None:
            return None
        if len(self._templates) >= _REMEMBERED_TEMPLATES:
            self._templates.clear()
        self._templates[template_id] = latest = (template.revision, template.variables)
        return latest


class JoinedInserts:
    """Joins inserts of one-offs: those that come while one transaction runs are the next one."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._waiting: list[_Insert] = []
        self._running: asyncio.Task[None] | None = None

    def insert(self, message: Message, accepted: Accepted) -> asyncio.Future[bool]:
        """Whether it was added; done when that is durable."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, accepted, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return done

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_LARGEST_BATCH], self._waiting[_LARGEST_BATCH:]
            await self._insert(batch)
            if len(batch) > 1:
                await asyncio.sleep(_GATHER_SECONDS)
        # Here, not in a callback: whoever comes after the last look at the list must find nobody
        # running.
        self._running = None

    async def _insert(self, batch: Sequence[_Insert]) -> None:
        messages, by, _ = zip(*batch, strict=True)
        try:
            added = await self._storage.insert_one_offs(messages, by)
        except StorageUnavailable as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - it is the caller's, and nobody else's
            if len(batch) == 1:
                _fail(batch, error)
                return
            # One of them is at fault: each on its own, so that the others do not hear of it.
            for one in batch:
                await self._insert([one])
        else:
            for message, _, done in batch:
                # A caller that hung up has cancelled its own.
                if not done.done():
                    done.set_result(message.id in added)


def _fail(batch: Sequence[_Insert], error: Exception) -> None:
    for _, _, done in batch:
        if not done.done():
            done.set_exception(error)
