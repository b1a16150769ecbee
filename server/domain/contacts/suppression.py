"""Tells what a suppression holds back."""

from __future__ import annotations

from storage.model.suppressions import BLOCKING, Purpose, SuppressionReason


def purpose_of(send_id: str | None) -> Purpose:
    """The purpose of a message: those of sends are marketing, one-offs are transactional."""
    return Purpose.TRANSACTIONAL if send_id is None else Purpose.MARKETING


def blocks(reason: SuppressionReason | None, purpose: Purpose) -> bool:
    """Whether an address suppressed for `reason` (None: it is not) must not get a message of this
    purpose."""
    return reason in BLOCKING[purpose]
