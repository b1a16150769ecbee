"""Statements about revisions of templates."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, insert, select

from storage.model.templates import Template
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.schema.templates import templates

# Built once: SQLAlchemy takes longer to build and recognise a statement than SQLite to run it.
_OF = select(templates).where(
    *(templates.c[name] == bindparam(name) for name in ("brand_id", "channel", "template_key"))
)
_LATEST = _OF.order_by(templates.c.revision.desc()).limit(1)
_REVISION = _OF.where(templates.c.revision == bindparam("revision"))
_INSERT = insert(templates)


class SqlTemplates:
    """See `storage.contract.templates.Templates`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def append(self, template: Template) -> Template:
        serialize = self._connection.dialect.serialize(
            f"template {template.brand_id} {template.channel} {template.template_key}"
        )
        if serialize is not None:
            await self._connection.execute(serialize)
        latest = await self.find(template.brand_id, template.channel, template.template_key)
        numbered = replace(template, revision=latest.revision + 1 if latest else 1)
        await self._connection.execute(_INSERT, record_values(numbered))
        return numbered

    async def find(
        self, brand_id: str, channel: str, template_key: str, revision: int | None = None
    ) -> Template | None:
        where = {"brand_id": brand_id, "channel": channel, "template_key": template_key}
        if revision is None:
            found = await self._connection.execute(_LATEST, where)
        else:
            found = await self._connection.execute(_REVISION, where | {"revision": revision})
        return read_record(Template, found.first) if found.first else None

    async def list_revisions(
        self, brand_id: str, channel: str, template_key: str, after: int | None, limit: int
    ) -> list[Template]:
        statement = _OF.order_by(templates.c.revision.desc()).limit(limit)
        if after is not None:
            statement = statement.where(templates.c.revision < after)
        where = {"brand_id": brand_id, "channel": channel, "template_key": template_key}
        return [
            read_record(Template, row)
            for row in (await self._connection.execute(statement, where)).all
        ]
