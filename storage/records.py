"""The rows as the rest of the code sees them. Instants are aware and in UTC; `dict` fields are JSON
objects and never changed in place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who had a one-off accepted: what the audit log would say, kept in the message's row."""

    by: str
    request_id: str | None = None
