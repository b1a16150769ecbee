"""Storage of templates."""

from __future__ import annotations

from typing import Protocol

from storage.model.templates import Template


class Templates(Protocol):
    """Immutable revisions."""

    async def append(self, template: Template) -> Template:
        """Adds a revision and returns it with its number: one more than the highest so far of
        (brand, channel, key). `revision` of the argument is not read. Two at once get two
        numbers."""
        ...

    async def find(
        self, brand_id: str, channel: str, template_key: str, revision: int | None = None
    ) -> Template | None:
        """The revision, or the latest; None if there is none."""
        ...

    async def list_revisions(
        self, brand_id: str, channel: str, template_key: str, after: int | None, limit: int
    ) -> list[Template]:
        """Revisions, highest first."""
        ...
