"""Storage of what messages say that are made of no template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from storage.model.literal_contents import LiteralContent


class LiteralContents(Protocol):
    """The words of literal messages, by message. They go when the message is pruned."""

    async def insert(self, content: LiteralContent) -> None:
        """Adds what a message says that is added in the same transaction."""
        ...

    async def find_many(self, message_ids: Sequence[str]) -> Mapping[str, LiteralContent]:
        """What those of the messages say that are literal, by message."""
        ...
