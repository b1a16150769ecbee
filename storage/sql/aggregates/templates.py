"""Statements about templates and their versions."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, func, insert, select, tuple_, update

from storage.contract.errors import StorageError
from storage.model.channels import Channel
from storage.model.templates import Template, TemplateFilter, TemplateVersion
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.schema.templates import template_versions, templates

_KEY = ("brand_id", "channel", "template_key")

# Built once: SQLAlchemy takes longer to build and recognise a statement than SQLite to run it.
_BY_KEY = select(templates).where(*(templates.c[name] == bindparam(name) for name in _KEY))
_OF = select(template_versions).where(
    *(template_versions.c[name] == bindparam(name) for name in _KEY)
)
_NEWEST_FIRST = _OF.order_by(template_versions.c.revision.desc())
_LATEST = _NEWEST_FIRST.limit(1)
_REVISION = _OF.where(template_versions.c.revision == bindparam("revision"))
_HIGHEST = select(func.max(template_versions.c.revision)).where(
    *(template_versions.c[name] == bindparam(name) for name in _KEY)
)
_INSERT_VERSION = insert(template_versions)


class SqlTemplates:
    """See `storage.contract.templates.Templates`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, template: Template) -> bool:
        statement = (
            self._connection.dialect.insert(templates)
            .values(record_values(template))
            .on_conflict_do_nothing()
        )
        return (await self._connection.execute(statement)).count > 0

    async def find(self, template_id: str, *, lock: bool = False) -> Template | None:
        statement = select(templates).where(templates.c.id == template_id)
        row = (
            await self._connection.execute(statement.with_for_update() if lock else statement)
        ).first
        return read_record(Template, row) if row else None

    async def find_by_key(self, brand_id: str, channel: str, template_key: str) -> Template | None:
        where = {"brand_id": brand_id, "channel": channel, "template_key": template_key}
        row = (await self._connection.execute(_BY_KEY, where)).first
        return read_record(Template, row) if row else None

    async def replace(self, template: Template) -> None:
        changed = await self._connection.execute(
            update(templates).where(templates.c.id == template.id).values(record_values(template))
        )
        if not changed.count:
            raise StorageError("there is no such template to replace")

    async def list_page(
        self, brand_id: str, where: TemplateFilter, after: tuple[str, str] | None, limit: int
    ) -> list[Template]:
        channel, key, archived_at = (
            templates.c.channel,
            templates.c.template_key,
            templates.c.archived_at,
        )
        statement = select(templates).where(
            templates.c.brand_id == brand_id,
            archived_at.is_not(None) if where.archived else archived_at.is_(None),
        )
        if where.template_key is not None:
            # All channels are named, so that the index on (brand, channel, key) leads to the key.
            channels = [where.channel] if where.channel else [*Channel]
            statement = statement.where(channel.in_(channels), key == where.template_key)
        elif where.channel is not None:
            statement = statement.where(channel == where.channel)
        if after is not None:
            statement = statement.where(tuple_(channel, key) > tuple_(*after))
        rows = await self._connection.execute(statement.order_by(channel, key).limit(limit))
        return [read_record(Template, row) for row in rows.all]

    async def append(self, version: TemplateVersion) -> TemplateVersion:
        # First, since it makes another one that is added at the same time wait for its number.
        changed = await self._connection.execute(
            update(templates)
            .where(templates.c.id == version.template_id)
            .values(current_version_id=version.id, updated_at=version.created_at)
        )
        if not changed.count:
            raise StorageError("there is no such template to add a version to")
        highest = (await self._connection.execute(_HIGHEST, _key_of(version))).first
        numbered = replace(version, revision=((highest and highest[0]) or 0) + 1)
        await self._connection.execute(_INSERT_VERSION, record_values(numbered))
        return numbered

    async def find_version(
        self, brand_id: str, channel: str, template_key: str, revision: int | None = None
    ) -> TemplateVersion | None:
        where = {"brand_id": brand_id, "channel": channel, "template_key": template_key}
        if revision is None:
            found = await self._connection.execute(_LATEST, where)
        else:
            found = await self._connection.execute(_REVISION, where | {"revision": revision})
        return read_record(TemplateVersion, found.first) if found.first else None

    async def find_version_by_id(self, version_id: str) -> TemplateVersion | None:
        statement = select(template_versions).where(template_versions.c.id == version_id)
        row = (await self._connection.execute(statement)).first
        return read_record(TemplateVersion, row) if row else None

    async def list_versions(
        self, template: Template, after: int | None, limit: int
    ) -> list[TemplateVersion]:
        statement = _NEWEST_FIRST.limit(limit)
        if after is not None:
            statement = statement.where(template_versions.c.revision < after)
        rows = await self._connection.execute(statement, _key_of(template))
        return [read_record(TemplateVersion, row) for row in rows.all]


def _key_of(record: Template | TemplateVersion) -> dict[str, str]:
    return {name: getattr(record, name) for name in _KEY}
