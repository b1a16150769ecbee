"""What is delivered: sends, their messages, attempts and inbox items.

Counters of a send change in the same transaction as its rows, by the rows the database says it changed, and only in here. When they leave
nothing pending or in flight and the audience is done, the same transaction completes the send (and turns its campaign from sending to
sent).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from storage.records import (
    Attempt,
    InboxItem,
    Mark,
    Message,
    MessageFilter,
    ReasonCount,
    Recovery,
    Send,
    Settlement,
)


class Sends(Protocol):
    """Runs of campaigns. Every change of one fires the PROGRESS signal; inserting one with an audience to resolve fires AUDIENCES."""

    async def insert(self, send: Send) -> None:
        """Adds a send with a new id and zero counters."""
        ...

    async def find(self, send_id: str, *, lock: bool = False) -> Send | None:
        """The send, or None. With `lock`, in a write transaction, no other transaction changes it until this one ends."""
        ...

    async def find_many(self, send_ids: Sequence[str]) -> dict[str, Send]:
        """Those of the sends that exist, by id."""
        ...

    async def list_page(self, campaign_id: str, after: str | None, limit: int) -> list[Send]:
        """Sends of a campaign, by id descending (newest first)."""
        ...

    async def list_resolving(self, limit: int) -> list[str]:
        """Ids of sends in status sending whose audience is not done, oldest first."""
        ...

    async def advance_audience(self, send_id: str, cursor: str | None, *, done: bool, now: datetime) -> None:
        """Moves the cursor of a send found with `lock`; with `done`, completes the send if nothing is pending or in flight."""
        ...

    async def cancel_running(self, campaign_id: str, now: datetime) -> list[str]:
        """Cancels the sends of a campaign that are in status sending, and all their rows that are pending or leased. Returns their ids.

        After it commits no mark of those rows succeeds. Rows marked sending stay; `completed_at` is set when the last of them is settled
        (at once if there is none), and no row can be added any more (`audience_done`).
        """
        ...


class Messages(Protocol):
    """Messages and their attempts. Rows that become pending fire the signal of their channel."""

    async def insert_many(self, messages: Iterable[Message]) -> int:
        """Adds rows of one or several sends (or one-offs) with their status as given (not leased or sending), and counts them. Returns
        how many. Memory stays flat.

        Raises StorageError for rows of a send that is not sending, and WriteConflict for a pending row whose send has one for this person
        and recipient already.
        """
        ...

    async def insert_unless_duplicate(self, message: Message) -> bool:
        """Adds a one-off unless its (brand_id, dedup_key) exists. Whether it was added; if not, `find_by_dedup_key` finds the other."""
        ...

    async def insert_one_offs(self, messages: Sequence[Message]) -> set[str]:
        """Adds those pending one-offs whose (brand_id, dedup_key) is not taken, also among themselves, and whose template revision is the
        latest of its template. Returns the ids of those that are there then, also if they were before. Those that are due only after
        `storage.signals.SOON` fire no signal."""
        ...

    async def find(self, message_id: str) -> Message | None:
        """The message, or None."""
        ...

    async def find_by_dedup_key(self, brand_id: str, dedup_key: str) -> Message | None:
        """The message with this key, or None."""
        ...

    async def list_page(self, brand_id: str, where: MessageFilter, after: str | None, limit: int) -> list[Message]:
        """Messages of a brand, by id descending (newest first)."""
        ...

    async def count_by_reason(self, send_id: str) -> list[ReasonCount]:
        """Counted from the rows, ordered by status and reason."""
        ...

    async def cancel(self, message_id: str, now: datetime) -> bool:
        """Cancels the message if it is pending or leased. Whether it did."""
        ...

    async def list_attempts(self, message_id: str, after: str | None, limit: int) -> list[Attempt]:
        """Attempts of a message, by id ascending (first to last)."""
        ...

    async def next_due(self, channel: str) -> datetime | None:
        """The earliest `due_at` of a pending row on the channel."""
        ...

    async def claim_due(self, channel: str, now: datetime, lease_until: datetime, limit: int) -> list[Message]:
        """Leases pending rows with `due_at <= now`, earliest (due_at, id) first, at most `limit`; each gets a higher `lease`. Returns
        them as leased.

        Never returns a row another transaction leases at the same time.
        """
        ...

    async def mark_sending(self, marks: Sequence[Mark], provider: str, now: datetime, lease_until: datetime) -> set[str]:
        """Marks rows that are still leased under the given lease as sending, counts an attempt, renews the lease. Returns the ids marked:
        only for those may a provider be called, and only after the transaction has committed."""
        ...

    async def settle(self, settlements: Sequence[Settlement], now: datetime) -> set[str]:
        """Applies each settlement whose row still has its lease and expected status. Returns the ids applied.

        A settlement that came too late changes nothing, except that an accepted attempt turns a row that is unknown into sent. Its
        attempt is kept in every case. SENT sets `sent_at` to `now`; PENDING takes a leased or sending row back and fires the channel's
        signal, but a row whose send has been cancelled becomes cancelled.
        """
        ...

    async def recover(self, now: datetime, *, everything: bool) -> Recovery:
        """Takes back rows whose lease has expired (`everything`: all held rows, for a process that owns the database alone).

        Leased rows go back to pending. Rows marked sending become unknown with reason `in_doubt`, and an ambiguous attempt is recorded.
        """
        ...


class Inbox(Protocol):
    """What in_app messages put before people. Items are written by `Messages.settle`."""

    async def list_page(self, brand_id: str, person_id: str, after: str | None, limit: int) -> list[InboxItem]:
        """A person's items, by message id descending (newest first)."""
        ...
