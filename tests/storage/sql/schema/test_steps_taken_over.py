"""What campaigns to segments said before they had steps is their one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from storage.sql import migrate, open_storage
from tests.storage.sql.schema.test_schema import fill

ROWS = [
    """
    INSERT INTO templates (id, brand_id, channel, template_key, current_version_id, created_by,
        created_at, updated_at)
    VALUES ('t', 'acme', 'email', 'k', 'v-2', 't', {now}, {now})
    """,
    """
    INSERT INTO template_versions (id, template_id, brand_id, channel, template_key, revision, body,
        names, variables, variables_inferred, variants, created_by, created_at)
    VALUES ('v-1', 't', 'acme', 'email', 'k', 1, 'x', '[]', '[]', true, '[]', 't', {now}),
        ('v-2', 't', 'acme', 'email', 'k', 2, 'x', '[]', '[]', true, '[]', 't', {now})
    """,
    """
    INSERT INTO campaigns (id, brand_id, face, name, channel, template_key, template_revision,
        variables, status, created_by, created_at, updated_at)
    VALUES
        ('draft', 'acme', 'messaging', 'n', 'email', 'k', NULL, '{{"a": 1}}', 'draft', 't', {now},
            {now}),
        ('pinned', 'acme', 'messaging', 'n', 'email', 'k', 1, '{{}}', 'scheduled', 't', {now},
            {now}),
        ('empty', 'acme', 'messaging', 'n', 'email', '', NULL, '{{}}', 'draft', 't', {now}, {now}),
        ('admin', 'acme', 'comms', 'n', 'email', 'k', 1, '{{"a": 1}}', 'scheduled', 't', {now},
            {now})
    """,
]


async def test_content_becomes_a_step(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    for url in (f"sqlite:///{tmp_path / 'old.db'}", new_postgres_database()):
        await migrate(url, "0019")
        await fill(url, ROWS)
        await migrate(url)
        storage = await open_storage(url)
        steps = {
            name: await storage.read(lambda tx, name=name: tx.steps.list_of(name))  # type: ignore[misc]
            for name in ("draft", "pinned", "empty", "admin")
        }
        admin = await storage.read(lambda tx: tx.campaigns.find("admin"))
        await storage.close()
        assert steps["empty"] == steps["admin"] == ()
        assert admin is not None
        assert (admin.template_key, admin.template_revision, admin.variables) == ("k", 1, {"a": 1})
        found = {
            name: [
                (each.template_version_id, each.template_revision, each.variables)
                for each in steps[name]
            ]
            for name in ("draft", "pinned")
        }
        assert found == {"draft": [("v-2", 2, {"a": 1})], "pinned": [("v-1", 1, {})]}
        (only,) = steps["draft"]
        assert (only.position, only.delay_minutes, only.channel) == (0, 0, "email")
        assert (only.template_id, only.template_key) == ("t", "k")
