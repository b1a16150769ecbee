"""Suppressions: addresses that must not be contacted, and what each reason holds back."""

from __future__ import annotations

from enum import StrEnum


class SuppressionReason(StrEnum):
    """Why an address is suppressed; the later, the stronger."""

    UNSUBSCRIBE = "unsubscribe"
    """The person wants no more marketing."""
    MANUAL = "manual"
    """An operator's decision."""
    HARD_BOUNCE = "hard_bounce"
    """The address does not exist."""
    COMPLAINT = "complaint"
    """The person reported a message as spam."""


STRENGTH: dict[SuppressionReason, int] = {reason: strength for strength, reason in enumerate(SuppressionReason, start=1)}
"""A stronger reason replaces a weaker one, never the other way round."""


class Purpose(StrEnum):
    """What a message is for, in the eyes of the person who gets it."""

    MARKETING = "marketing"
    """A campaign's message."""
    TRANSACTIONAL = "transactional"
    """A one-off: the answer to something the person did, such as a receipt or a password reset."""


BLOCKING: dict[Purpose, frozenset[SuppressionReason]] = {
    Purpose.MARKETING: frozenset(SuppressionReason),
    Purpose.TRANSACTIONAL: frozenset(SuppressionReason) - {SuppressionReason.UNSUBSCRIBE},
}
"""The reasons that hold back a message, by its purpose."""


def purpose_of(send_id: str | None) -> Purpose:
    """The purpose of a message: those of sends are marketing, one-offs are transactional."""
    return Purpose.TRANSACTIONAL if send_id is None else Purpose.MARKETING


def blocks(reason: SuppressionReason | None, purpose: Purpose) -> bool:
    """Whether an address suppressed for `reason` (None: it is not) must not get a message of this purpose."""
    return reason in BLOCKING[purpose]
