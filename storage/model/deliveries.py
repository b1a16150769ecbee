"""What a dispatcher reads and writes of the messages it delivers: queues, marks, settlements,
recoveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.model.inbox import InboxItem
from storage.model.messages import Attempt, MessageStatus, Purpose
from storage.model.values import made_often


@dataclass(frozen=True, slots=True)
class Queue:
    """Pending messages on a channel that are claimed in one order: the one-offs of a brand, the
    steps of its enrollments in sequences, or the messages of one send."""

    channel: str
    brand_id: str
    send_id: str | None
    """None: one-offs, or steps."""
    next_due: datetime
    """The earliest `due_at` among them when it was read."""
    steps: bool = False
    """Whether they are of enrollments."""

    @property
    def purpose(self) -> Purpose:
        """Of all messages in it."""
        one_offs = self.send_id is None and not self.steps
        return Purpose.TRANSACTIONAL if one_offs else Purpose.MARKETING


@made_often
class Settlement:
    """What became of a row this worker holds. Takes effect only while the row still has `lease` and
    is in `expected`."""

    message_id: str
    lease: int
    expected: MessageStatus
    """LEASED: no provider was called (render failure, release, in_app). SENDING: one was."""
    status: MessageStatus
    """SENT, FAILED, SKIPPED, EXPIRED, UNKNOWN, or PENDING: try again, at `due_at`."""
    reason: str | None = None
    due_at: datetime | None = None
    """When to try again; None leaves it."""
    attempt: Attempt | None = None
    """Kept whatever becomes of the row."""
    resent_by_policy: bool = False
    """PENDING after a call of unknown outcome, only because the brand wants it: an entry in the
    audit log says so if it takes effect."""
    inbox_item: InboxItem | None = None
    """Written if the settlement takes effect, in the same transaction."""
    enrollment_id: str | None = None
    """Of the message: it is locked before the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What recovery found."""

    released: int
    """Leased rows that went back to pending."""
    in_doubt: int
    """Rows marked sending that became unknown."""
    resent: int = 0
    """Rows marked sending that went back to pending, since a repeat does no harm or the brand wants
    it."""
