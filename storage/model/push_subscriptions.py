"""Push subscriptions: browsers that people have allowed to show notifications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MOST_BROWSERS = 100
"""Subscriptions of one person that get a message to all of theirs: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """A browser of a person; one per brand and endpoint. One that has ended is not kept."""

    id: str
    """The recipient of a message to it."""
    brand_id: str
    person_id: str
    endpoint: str
    """Where its push service takes messages. Whoever has it and the keys may write to the browser:
    nothing of the three is ever logged."""
    p256dh: str
    """The browser's public key, in base64url."""
    auth: str
    """The secret that it shares, in base64url."""
    user_agent: str | None
    created_at: datetime
    """When the person first allowed it."""
    expires_at: datetime | None
    """None: not known."""
