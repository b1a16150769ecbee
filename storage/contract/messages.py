"""Storage of messages and attempts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from storage.model.deliveries import Queue, Recovery, Settlement
from storage.model.messages import (
    Accepted,
    Attempt,
    Handling,
    Message,
    MessageFilter,
    Resolution,
    UnknownMessage,
)
from storage.model.sends import ReasonCount


class Messages(Protocol):
    """Messages and their attempts. Rows that become pending fire the signal of their channel. Where
    a message of no send is settled, cancelled or expired, its own signal (`outcome`) is fired."""

    async def insert_many(self, messages: Iterable[Message]) -> int:
        """Adds rows of one or several sends (or one-offs) with their status as given (not leased or
        sending), and counts them. Returns how many. Memory stays flat.

        Raises StorageError for rows of a send that is not sending, and WriteConflict for a pending
        row whose send was given one for this recipient already (or for this person and recipient,
        where the send allows shared addresses).
        """
        ...

    async def insert_unless_duplicate(
        self, message: Message, accepted: Accepted | None = None
    ) -> bool:
        """Adds a one-off unless its (brand_id, dedup_key) exists. Whether it was added; if not,
        `find_by_dedup_key` finds the other."""
        ...

    async def find_accepted(self, message_id: str) -> tuple[Message, Accepted] | None:
        """The message and who had it accepted; None without either, as for those of sends."""
        ...

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        """Adds those pending one-offs whose (brand_id, dedup_key) is not taken, also among
        themselves, whose template revision is the latest of its template, and whose address is not
        suppressed for transactional messages. Returns the ids of those that are there then, also if
        they were before. Those that are due only after `storage.contract.signals.SOON` fire no
        signal."""
        ...

    async def find(self, message_id: str) -> Message | None:
        """The message, or None."""
        ...

    async def find_by_dedup_key(self, brand_id: str, dedup_key: str) -> Message | None:
        """The message with this key, or None."""
        ...

    async def find_by_dedup_keys(
        self, brand_id: str, dedup_keys: Sequence[str]
    ) -> dict[str, Message]:
        """The messages with these keys, by key. Any number of keys."""
        ...

    async def list_page(
        self, brand_id: str, where: MessageFilter, after: str | None, limit: int
    ) -> list[Message]:
        """Messages of a brand, by id descending (newest first). Each filter alone is served by an
        index. Those with `created_after` or `created_before` are found by their ids too: one whose
        id was made an hour or more apart from `created_at` is missing."""
        ...

    async def find_provider(self, message_id: str) -> str | None:
        """Name of the provider that is being called for the message, or was called last; None
        before one was."""
        ...

    async def find_handling(self, message_id: str) -> Handling | None:
        """What is known of the way of a message beside its record; None without the message."""
        ...

    async def count_by_reason(self, send_id: str) -> list[ReasonCount]:
        """Counted from the rows, ordered by step, status, reason and revision
        (`Send.revision_of`)."""
        ...

    async def cancel(self, message_id: str, now: datetime) -> bool:
        """Cancels the message if it is pending or leased; one in doubt becomes unknown. Whether it
        did."""
        ...

    async def list_attempts(self, message_id: str, after: str | None, limit: int) -> list[Attempt]:
        """Attempts of a message, by id ascending (first to last)."""
        ...

    async def list_queues(self, channel: str) -> list[Queue]:
        """The queues of the channel that have a pending row, due or not: of each brand its one-offs
        and its steps of sequences, and each send that is in status sending and not paused. In no
        particular order. None while delivery is held."""
        ...

    async def claim(
        self, queue: Queue, now: datetime, lease_until: datetime, limit: int
    ) -> list[Message]:
        """Leases pending rows of the queue with `due_at <= now`, earliest (due_at, id) first, at
        most `limit`; each gets a higher `lease`. Returns them as leased.

        Never returns a row another transaction leases at the same time.
        """
        ...

    async def readdress(self, claimed: Message, recipient: str) -> None:
        """Writes another address into a row that this transaction has claimed."""
        ...

    async def mark_sending(
        self, claimed: Sequence[Message], provider: str, now: datetime, lease_until: datetime
    ) -> set[str]:
        """Marks rows that are still leased as they were claimed as sending, counts an attempt,
        renews the lease. Returns the ids marked: only for those may a provider be called, and only
        after the transaction has committed.

        Does not mark rows whose send is paused or no longer sending, or that are stale (`expire_at
        <= now`).
        """
        ...

    async def expire(self, now: datetime, limit: int) -> int:
        """Ends up to `limit` pending rows with `expire_at <= now`. Returns how many. They become
        expired, with reason `expired`; those in doubt unknown, and those of a cancelled send
        cancelled."""
        ...

    async def next_expiry(self) -> datetime | None:
        """The earliest `expire_at` of a pending row."""
        ...

    async def settle(self, settlements: Sequence[Settlement], now: datetime) -> set[str]:
        """Applies each settlement whose row still has its lease and expected status. Returns the
        ids applied.

        A settlement that came too late changes nothing, except that an accepted attempt turns a row
        into sent that is unknown, or that waits to be tried again (pending or leased: its next mark
        then fails). Its attempt is kept in every case. SENT sets `sent_at` to `now`; PENDING takes
        a leased or sending row back and fires the channel's signal, but a row whose send has been
        cancelled becomes cancelled, or unknown if it is in doubt. PENDING with an ambiguous attempt
        makes the row `in_doubt`; PENDING without any, from sending, says that the provider was not
        called after all: the mark does not count as an attempt. Where a brand's policy has a row
        resent (`resent_by_policy`), the audit log says so. A row in doubt does not end as failed,
        skipped or expired, but as unknown with reason `in_doubt`; or as sent, whatever the
        settlement says, if an attempt of it was accepted too late.
        """
        ...

    async def recover(
        self,
        now: datetime,
        *,
        everything: bool,
        key_windows: Mapping[str, timedelta],
        max_attempts: int,
    ) -> Recovery:
        """Takes back rows whose lease has expired (`everything`: all held rows, for a process that
        owns the database alone).

        Leased rows go back to pending. For rows marked sending an ambiguous attempt is recorded,
        and they become unknown with reason `in_doubt`; but with fewer than `max_attempts` attempts
        they go back to pending, `in_doubt`, if their send was not cancelled and either their
        provider still knows their key (`first_sending_at` plus its window in `key_windows` is after
        `now`) or their brand's policy is to resend. One in doubt of which an attempt was accepted
        too late becomes sent. The audit log says where a policy decided.
        """
        ...

    async def list_unknown(
        self, brand_id: str, send_id: str | None, after: str | None, limit: int
    ) -> list[UnknownMessage]:
        """Messages of a brand in status unknown, by id descending (newest first)."""
        ...

    async def resolve_unknown(
        self, brand_id: str, message_ids: Sequence[str], resolution: Resolution, now: datetime
    ) -> list[Message]:
        """Resolves those of the messages that are of the brand and unknown; RESEND leaves out those
        that are stale or whose send was cancelled or has been pruned. Returns them as they were
        before, by id.

        SENT sets `sent_at`, FAILED the reason `resolved_failed`. RESEND makes them pending, due now
        and `in_doubt`, with no `first_sending_at`; a send that was completed is sending again until
        they have ended.
        """
        ...

    async def prune(
        self, before: datetime, after: str | None, limit: int
    ) -> tuple[int, str | None]:
        """Deletes messages that ended (not those of unknown outcome) and were created, and last
        due, before `before`, with their attempts; of a send, only once it has `completed_at`, and
        the send is then `pruned`. Looks at up to `limit` messages with ids after `after`, oldest
        first, and waits for no other transaction: what is locked is left. Returns how many it
        deleted, and the id to go on after: None at the end."""
        ...
