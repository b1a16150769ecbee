"""The channels a message can go out on."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """A way to reach a person; the value is what the API shows."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    IN_APP = "in_app"
