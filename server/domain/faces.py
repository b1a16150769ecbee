"""The two documented APIs ("faces"), and the few rules in which they differ."""

from __future__ import annotations

from enum import StrEnum


class Face(StrEnum):
    """Which of the documented APIs a campaign was made through."""

    COMMS = "comms"
    """Audience as inline criteria; recipients of a send must not be blank."""
    MESSAGING = "messaging"
    """Audience as a segment; blank recipients are skipped."""

    @property
    def content_prefix(self) -> str:
        """What stands before the names of the fields that say what a campaign says: messaging has
        them in `content`."""
        return "content." if self is Face.MESSAGING else ""
