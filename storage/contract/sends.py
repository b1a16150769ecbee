"""Storage of sends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from storage.model.audiences import GivenRecipient
from storage.model.messages import Message
from storage.model.sends import CancelReceipt, Counters, Recipients, Send


class Sends(Protocol):
    """Runs of campaigns. Every change of one fires the PROGRESS signal; inserting one with an
    audience to resolve fires AUDIENCES."""

    async def insert(self, send: Send) -> None:
        """Adds a send with a new id, zero counters and no receipt."""
        ...

    async def find(self, send_id: str, *, lock: bool = False) -> Send | None:
        """The send, or None. With `lock`, in a write transaction, no other transaction changes it
        until this one ends."""
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

    async def advance_audience(
        self, send_id: str, cursor: str | None, *, done: bool, now: datetime
    ) -> None:
        """Moves the cursor of a send found with `lock`; with `done`, completes the send if nothing
        is pending or in flight."""
        ...

    async def keep_recipients(
        self, send: Send, slices: Iterable[Sequence[GivenRecipient]], now: datetime
    ) -> int:
        """Keeps more recipients of a new send for `take_recipients`. They count as pending messages
        of it, and if it enrolls as pending recipients. Returns how many."""
        ...

    async def take_recipients(self, send: Send, now: datetime) -> list[GivenRecipient]:
        """The next slice of recipients that are kept, of a send found with `lock`; they are kept,
        and counted, no longer. Empty after the last."""
        ...

    async def cancel_running(self, campaign_id: str, now: datetime) -> dict[str, CancelReceipt]:
        """Cancels the sends of a campaign that are in status sending. Returns the receipt of each,
        by id ascending.

        After it commits no mark of their rows succeeds, and no row can be added any more
        (`audience_done`). Rows that are pending or leased become cancelled, or unknown if they are
        in doubt: thousands in the same transaction, the rest by `sweep_cancelled`, meanwhile
        counted as they are. Rows marked sending stay. `completed_at` is set with the last row that
        ends.

        A receipt is kept with its send. It is of the moment of the cancellation, in which rows that
        wait for `sweep_cancelled` count as cancelled.
        """
        ...

    async def cancel(self, send_id: str, now: datetime) -> CancelReceipt | None:
        """Cancels one send as `cancel_running` does; None unless it is in status sending."""
        ...

    async def sweep_cancelled(self, now: datetime, limit: int) -> int:
        """Cancels up to `limit` pending rows, and all leased ones, of one cancelled send that still
        has some. Returns how many: 0 when all are done. The CANCELLATIONS signal fires while there
        are more."""
        ...

    async def pause(self, send_id: str, now: datetime) -> None:
        """Pauses a send in status sending, if it is not paused: its rows are not claimed, and its
        leased rows go back to pending.

        After it commits no mark of its rows succeeds.
        """
        ...

    async def resume(self, send_id: str) -> None:
        """Ends the pause, and fires the signals of all channels."""
        ...

    async def change_revision(self, send_id: str, revision: int) -> None:
        """Gives a send that was found with `lock`, and is paused, another revision. A row of it
        that had no attempt takes that when it is claimed; one of a step, that of the step.

        Leased rows go back to pending: who holds one has it with the old revision, and its mark
        fails.
        """
        ...

    async def mark_retried(
        self,
        parent_send_id: str,
        child_send_id: str,
        unknown: bool,
        after: str | None,
        limit: int,
        now: datetime,
    ) -> list[Message]:
        """Takes up to `limit` failed messages (with `unknown`, those of unknown outcome too, which
        become failed with reason `retried`) of an ended send for its child: those with ids after
        `after` that no send retries yet, by id. Returns them as they were."""
        ...

    async def count_retryable(self, send_id: str, *, unknown: bool) -> int:
        """How many messages `mark_retried` would take, counted up to 1."""
        ...

    async def list_open(self, after: str | None, limit: int) -> list[str]:
        """Ids of sends without `completed_at`, ascending."""
        ...

    async def recount(self, send_id: str) -> Counters:
        """What the counters of the send ought to be, counted from its rows; of a pruned send, what
        is left."""
        ...

    async def recount_recipients(self, send_id: str) -> Recipients:
        """The same of its recipients, if it enrolls them; otherwise nobody."""
        ...
