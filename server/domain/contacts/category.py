"""Says what category a message is of."""

from __future__ import annotations

from storage.model.brands import TRANSACTIONAL
from storage.model.messages import Purpose

MARKETING = "marketing"
"""The category of what campaigns send."""


def category_of(purpose: Purpose) -> str:
    """The category of a message with this purpose."""
    return TRANSACTIONAL if purpose is Purpose.TRANSACTIONAL else MARKETING
