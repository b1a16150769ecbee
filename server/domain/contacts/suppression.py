"""Tells what a suppression holds back."""

from __future__ import annotations

from storage.model.messages import Purpose
from storage.model.suppressions import BLOCKING, SuppressionReason


def blocks(reason: SuppressionReason | None, purpose: Purpose) -> bool:
    """Whether an address suppressed for `reason` (None: it is not) must not get a message of this
    purpose."""
    return reason in BLOCKING[purpose]
