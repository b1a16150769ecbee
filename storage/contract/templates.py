"""Storage of templates."""

from __future__ import annotations

from typing import Protocol

from storage.model.templates import Template, TemplateFilter, TemplateVersion


class Templates(Protocol):
    """Templates and their immutable versions."""

    async def insert(self, template: Template) -> bool:
        """Adds a template, unless there is one with its key in the brand and channel. Whether it
        was added."""
        ...

    async def find(self, template_id: str, *, lock: bool = False) -> Template | None:
        """The template, or None. With `lock`, in a write transaction, no other transaction changes
        it or adds a version until this one ends."""
        ...

    async def find_by_key(self, brand_id: str, channel: str, template_key: str) -> Template | None:
        """The template, or None."""
        ...

    async def replace(self, template: Template) -> None:
        """Writes every field of a template that was found with `lock`."""
        ...

    async def list_page(
        self, brand_id: str, where: TemplateFilter, after: tuple[str, str] | None, limit: int
    ) -> list[Template]:
        """Templates of a brand, by channel and key; `after` is of the last one before."""
        ...

    async def append(self, version: TemplateVersion) -> TemplateVersion:
        """Adds a version, which becomes the current one of its template, and returns it with its
        number: one more than the highest so far. `revision` of the argument is not read. Two at
        once get two numbers."""
        ...

    async def find_version(
        self, brand_id: str, channel: str, template_key: str, revision: int | None = None
    ) -> TemplateVersion | None:
        """The version with this number, or the current one; None if there is none."""
        ...

    async def find_version_by_id(self, version_id: str) -> TemplateVersion | None:
        """The version, or None."""
        ...

    async def list_versions(
        self, template: Template, after: int | None, limit: int
    ) -> list[TemplateVersion]:
        """Versions of the template, newest first; `after` is the number of the last one before."""
        ...
