"""Keeps a part for transactional messages of everything they share with marketing."""

from __future__ import annotations


def marketing_share(total: int) -> int:
    """How much of a shared limit marketing may use: all but a quarter, and at least one less, but
    never nothing."""
    return max(1, total - max(1, total // 4))
