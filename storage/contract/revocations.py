"""Storage of revoked tokens."""

from __future__ import annotations

from typing import Protocol

from storage.model.revocations import Revocation


class Revocations(Protocol):
    """Revocations, keyed by token_id. They are kept for good: nobody knows how long a token lives
    by its id."""

    async def insert(self, revocation: Revocation) -> bool:
        """Adds it, unless the token is revoked already. Whether it was added."""
        ...

    async def has(self, token_id: str) -> bool:
        """Whether the token is revoked."""
        ...
