"""A database, a virtual clock and the provider's ledger: what every step of a history has in
common.

A step says which rows it may touch and how; after it, everything that changed is held against that,
and the laws against all there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from storage.contract.storage import Storage, Transaction
from storage.model.brands import BrandPolicy, UnknownPolicy
from storage.model.messages import Message, MessageStatus
from tests.storage.sql.delivery.machine.ledger import Ledger
from tests.storage.sql.delivery.machine.sight import Sight, look, put_back
from tests.support.storage.made import NOW, SECOND

T = TypeVar("T")

PARKS, RESENDS = "brand-parks", "brand-resends"
"""The two brands, by what they want of messages in doubt."""

_S = MessageStatus
_ENDS = {_S.SENT, _S.FAILED, _S.SKIPPED, _S.EXPIRED, _S.UNKNOWN}
_STOPS = {_S.CANCELLED, _S.UNKNOWN}
MAY_BECOME: dict[str, dict[MessageStatus, set[MessageStatus]]] = {
    "claim": {_S.PENDING: {_S.LEASED}},
    "mark": {_S.LEASED: {_S.SENDING}},
    # The last three only for calls that were accepted and told too late.
    "settle": {
        _S.LEASED: {_S.PENDING, _S.CANCELLED, *_ENDS},
        _S.SENDING: {_S.PENDING, _S.CANCELLED, *_ENDS},
        _S.PENDING: {_S.SENT},
        _S.UNKNOWN: {_S.SENT},
    },
    "recover": {_S.LEASED: {_S.PENDING}, _S.SENDING: {_S.PENDING, _S.UNKNOWN, _S.SENT}},
    "cancel": {_S.PENDING: _STOPS, _S.LEASED: _STOPS},
    "pause": {_S.LEASED: {_S.PENDING}},
    "change version": {_S.LEASED: {_S.PENDING}},
    "expire": {_S.PENDING: {_S.EXPIRED, _S.UNKNOWN, _S.CANCELLED}},
    "resolve": {_S.UNKNOWN: {_S.SENT, _S.FAILED, _S.PENDING}},
    "retry": {_S.UNKNOWN: {_S.FAILED}},
}
"""How a step may change the status of rows. Sent, failed, skipped, expired and cancelled are never
on the left: they are final."""


CHANGING = (
    *("status", "due_at", "lease", "attempts", "sent_at", "cancelled_at"),
    *("failure_reason", "first_sending_at", "in_doubt", "retried_in", "template_revision"),
)
"""The fields of a message that change at all."""


class World:
    """One history."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.now: datetime = NOW
        self.ledger = Ledger()
        self.sight: Sight
        """What was there after the last step."""
        self._made = 0
        self._step = ""
        self._touchable: set[str] = set()
        self._leaving: set[str] = set()

    async def begin(self) -> None:
        """An empty database."""

        async def empty(tx: Transaction) -> None:
            await put_back(tx, {})
            await tx.brands.put_policy(
                BrandPolicy(
                    brand_id=RESENDS,
                    unknown_policy=UnknownPolicy.RESEND,
                    updated_at=NOW,
                    updated_by="o",
                )
            )

        await self.storage.write(empty)
        self.sight = await self.storage.read(look)

    async def write(
        self, step: str, touches: Collection[str], function: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Runs the transaction of a step, which may touch these messages and no others."""
        self._step, self._touchable = step, set(touches)
        return await self.storage.write(function)

    async def check(self) -> None:
        """Compares with what was there before, and with the laws."""
        if not self._step:
            return
        before, self.sight = self.sight, await self.storage.read(look)
        if self._step != "restore":
            self._compare(before)
        self.sight.assert_lawful()
        planned: Counter[str | None] = Counter()
        for enrollment in self.sight.enrollments.values():
            rows = self.sight.of_enrollment(enrollment.id)
            self.ledger.assert_planned_in_order(enrollment, rows, self.now)
            planned[enrollment.send_id] += len(self.ledger.planned[enrollment.id])
        for send in self.sight.sends.values():
            assert send.counters.total == self.ledger.made[send.id] + planned[send.id]
        for row in self.sight.rows.values():
            self.ledger.accounts[row.id].assert_told_truly(row)
        self._step, self._touchable, self._leaving = "", set(), set()

    def let_leave(self, message_ids: Collection[str]) -> None:
        """This step deletes these rows."""
        self._leaving = set(message_ids)

    def next_id(self, what: str) -> str:
        """Ids sort in the order they were made, as those of the service do."""
        self._made += 1
        return f"{what}-{self._made:04}"

    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    def _compare(self, before: Sight) -> None:
        gone = before.rows.keys() - self.sight.rows.keys()
        assert gone == self._leaving, f"{gone ^ self._leaving} left, or did not"
        for message_id, row in self.sight.rows.items():
            old = before.rows.get(message_id)
            if old is not None and row != old:
                self._compare_row(old, row)

    def _compare_row(self, old: Message, row: Message) -> None:
        assert row.id in self._touchable, f"{self._step} changed {row.id}, which is none of its own"
        may_become = MAY_BECOME.get(self._step, {}).get(old.status, set())
        assert row.status is old.status or row.status in may_become, (
            f"{self._step} turned {row.id} from {old.status} into {row.status}"
        )
        assert row.lease == old.lease + (self._step == "claim"), (
            "a lease grows with every claim, and only then"
        )
        assert row.template_revision == old.template_revision or (
            self._step == "claim" and not old.attempts
        ), "what was called keeps its version"
        assert row.in_doubt >= old.in_doubt, "a doubt stays"
        assert row.retried_in == old.retried_in or (
            old.retried_in is None and self._step == "retry"
        )
        assert replace(row, **{name: getattr(old, name) for name in CHANGING}) == old
