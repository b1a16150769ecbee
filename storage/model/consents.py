"""Consents: whether a person agreed to a category of messages on a channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.channels import Channel


class ConsentDefault(StrEnum):
    """What it means that a person said nothing."""

    OPT_OUT = "opt_out"
    """They consented, until they say no."""
    OPT_IN = "opt_in"
    """They did not, until they say yes."""


CONSENT_DEFAULTS: dict[str, ConsentDefault] = {
    Channel.EMAIL: ConsentDefault.OPT_OUT,
    Channel.SMS: ConsentDefault.OPT_IN,
    Channel.PUSH: ConsentDefault.OPT_OUT,
    Channel.IN_APP: ConsentDefault.OPT_OUT,
}
"""By channel, where the brand's policy says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a person said last; one per brand, person, channel and category. It stays when the
    person is deleted."""

    id: str
    brand_id: str
    person_id: str
    channel: str
    category: str
    opted_in: bool
    source: str
    """Where it was said."""
    created_at: datetime
    """When they first said anything."""
    updated_at: datetime
    """When it was said."""
