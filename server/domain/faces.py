"""The two documented APIs ("faces"), and the few rules in which they differ."""

from __future__ import annotations

from enum import StrEnum


class Face(StrEnum):
    """Which of the documented APIs a campaign was made through."""

    COMMS = "comms"
    """Audience as inline criteria, one message; recipients of a send must not be blank."""
    MESSAGING = "messaging"
    """Audience as a segment, any number of steps; blank recipients are skipped."""
