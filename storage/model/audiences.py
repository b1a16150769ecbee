"""Members of an audience, and why one of them gets no message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SkipReason(StrEnum):
    """Why a message was never tried; the `failure_reason` of a skipped message."""

    DUPLICATE = "duplicate"
    INVALID_RECIPIENT = "invalid_recipient"
    NO_ADDRESS = "no_address"
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no_consent"
    """They said no to the category, or where it takes a yes, they did not say it."""
    PREFERENCE_OFF = "preference_off"
    """They switched the category off."""


@dataclass(frozen=True, slots=True)
class AudienceMember:
    """A person of an audience and where to reach them."""

    person_id: str
    address: str
    """Empty if they have none on the channel."""
    skip_reason: str | None
    """Why they get no message; None if they get one."""


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """How many people of an audience share a `skip_reason`, and how many addresses they have."""

    skip_reason: str | None
    people: int
    addresses: int


GivenRecipient = tuple[str, str, str | None]
"""Somebody who was named as a recipient of a send: the person, the address in normal form (an
invalid one as it was given), and why they get no message, as far as the recipients themselves tell.
A plain tuple, since a hundred thousand are made in one transaction."""
