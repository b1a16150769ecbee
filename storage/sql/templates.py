"""Revisions of templates."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Select, insert, select

from storage.records import Template
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.tables import templates


class SqlTemplates:
    """See `storage.definitions.Templates`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def append(self, template: Template) -> Template:
        serialize = self._connection.dialect.serialize(f"template {template.brand_id} {template.channel} {template.template_key}")
        if serialize is not None:
            await self._connection.execute(serialize)
        latest = await self.find(template.brand_id, template.channel, template.template_key)
        numbered = replace(template, revision=latest.revision + 1 if latest else 1)
        await self._connection.execute(insert(templates), record_values(numbered))
        return numbered

    async def find(self, brand_id: str, channel: str, template_key: str, revision: int | None = None) -> Template | None:
        statement = _of(brand_id, channel, template_key)
        if revision is None:
            statement = statement.order_by(templates.c.revision.desc()).limit(1)
        else:
            statement = statement.where(templates.c.revision == revision)
        row = (await self._connection.execute(statement)).first
        return read_record(Template, row) if row else None

    async def list_revisions(self, brand_id: str, channel: str, template_key: str, after: int | None, limit: int) -> list[Template]:
        statement = _of(brand_id, channel, template_key).order_by(templates.c.revision.desc()).limit(limit)
        if after is not None:
            statement = statement.where(templates.c.revision < after)
        return [read_record(Template, row) for row in (await self._connection.execute(statement)).all]


def _of(brand_id: str, channel: str, template_key: str) -> Select[tuple[object, ...]]:
    return select(templates).where(
        templates.c.brand_id == brand_id, templates.c.channel == channel, templates.c.template_key == template_key
    )
