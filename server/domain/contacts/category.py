"""Says what category a message is of."""

from __future__ import annotations

from storage.model.brands import TRANSACTIONAL
from storage.model.messages import Purpose

MARKETING = "marketing"
"""The category of what campaigns send, where the template has none."""


def category_of(purpose: Purpose, of_template: str | None) -> str:
    """The category of a message with this purpose: that of its template, where it has one."""
    if of_template is not None:
        return of_template
    return TRANSACTIONAL if purpose is Purpose.TRANSACTIONAL else MARKETING
