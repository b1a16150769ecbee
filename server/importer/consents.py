"""Reads columns that say what people agreed to: `consent.CHANNEL.CATEGORY`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from server.domain.contacts.person import SaidConsent
from storage.model.channels import Channel

CONSENT = "consent"
SOURCE = "import"
"""Of what an import records."""
_CATEGORY = re.compile(r"[a-z0-9_-]{1,64}")
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def is_consent(target: Sequence[str]) -> bool:
    """Whether a column that goes there says what people agreed to."""
    name, *about = target
    return (
        name == CONSENT
        and len(about) == 2
        and about[0] in {*Channel}
        and _CATEGORY.fullmatch(about[1]) is not None
    )


def read_consent(target: Sequence[str], value: object) -> SaidConsent | None:
    """What a person said; None for null, which says nothing. Raises ValueError with the reason."""
    if value is None:
        return None
    opted_in = _ANSWERS.get(str(value).strip().lower())
    if opted_in is None:
        raise ValueError("must be yes or no")
    _, channel, category = target
    return SaidConsent(channel, category, SOURCE, opted_in=opted_in)
