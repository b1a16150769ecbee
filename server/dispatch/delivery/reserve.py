"""The kinds of messages that are delivered apart from each other."""

from __future__ import annotations

from enum import Enum

from storage.model.deliveries import Queue


class Kind(Enum):
    """Which messages of a channel: they are claimed apart, so that no message to one person waits
    for a campaign."""

    ONE_OFFS = "one-offs"
    SENDS = "sends"
    ALL = "all"

    def takes(self, queue: Queue) -> bool:
        """Whether messages of the queue are of this kind."""
        return self is Kind.ALL or (queue.send_id is None) == (self is Kind.ONE_OFFS)


def without_reserve(total: int) -> int:
    """What sends may use of something they share with one-offs: all but a quarter, and at least one
    less, but never nothing."""
    return max(1, total - max(1, total // 4))
