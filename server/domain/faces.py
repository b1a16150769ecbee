"""The two documented faces, and the few rules in which they differ."""

from __future__ import annotations

from enum import StrEnum


class Face(StrEnum):
    """Which documented API a campaign was made through."""

    COMMS = "comms"
    """Audience as inline criteria; a send must be given its recipients, none of them blank."""
    MESSAGING = "messaging"
    """Audience as a segment; publish resolves it unless recipients are given, and blank ones are skipped."""
