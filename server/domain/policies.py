"""What brands and operators may choose where no single answer is right for everybody."""

from __future__ import annotations

from enum import StrEnum


class UnknownPolicy(StrEnum):
    """What happens to a message whose outcome cannot be known."""

    PARK = "park"
    """It stays unknown until somebody resolves it: never sent twice."""
    RESEND = "resend"
    """It is sent again while attempts are left."""


class MisfirePolicy(StrEnum):
    """What happens to a one-off message or scheduled campaign that is found due long after its time."""

    SEND_NOW = "send_now"
    SKIP = "skip"
    EXPIRE_AFTER = "expire_after"


class Resolution(StrEnum):
    """What an operator decided about a message whose outcome is unknown."""

    SENT = "sent"
    FAILED = "failed"
    RESEND = "resend"
