"""What messages say that are made of no template."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralContent:
    """The words of one message, which go out as they are; see `Message.is_literal`."""

    message_id: str
    title: str
    body: str
    action_url: str | None
    """Where it leads; None: nowhere."""
