"""Templates and their versions: keys, numbers, schemas and languages, the pinned version of a
campaign, and the migrations that brought them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from storage.contract.errors import StorageError
from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.templates import (
    Template,
    TemplateFilter,
    TemplateVariable,
    TemplateVariant,
    TemplateVersion,
    VariableType,
)
from storage.sql import migrate, open_storage
from storage.sql.postgres.engine import make_engine
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene

MIGRATIONS = Path(__file__).parents[4] / "storage" / "sql" / "migrations"
DEFAULTS: list[object] = [
    "",
    'ñ \0 \\ "',
    0,
    12.5,
    1e22,
    2**53,
    True,
    False,
    [],
    [1, None, [{}]],
    {},
    {"a": {"b": None}},
    None,
]


async def put(scene: Scene, **more: Any) -> TemplateVersion:
    return await scene.storage.write(lambda tx: made.put_version(tx, **more))


async def found(scene: Scene, revision: int | None = None, key: str = "welcome") -> Any:
    return await scene.storage.read(
        lambda tx: tx.templates.find_version(BRAND, "email", key, revision)
    )


async def of_key(scene: Scene, key: str = "welcome") -> Template:
    template = await scene.storage.read(lambda tx: tx.templates.find_by_key(BRAND, "email", key))
    assert template is not None
    return template


async def inserted(scene: Scene, template: Template) -> bool:
    return await scene.storage.write(lambda tx: tx.templates.insert(template))


async def test_a_template_comes_back_as_it_was_given(scene: Scene) -> None:
    full = made.template(description="Grüße", category="news", archived_at=NOW)
    bare = made.template(template_key="bare")
    for given in (full, bare):
        assert await inserted(scene, given)
        assert await of_key(scene, given.template_key) == given
    assert await scene.storage.read(lambda tx: tx.templates.find(full.id)) == full
    assert await scene.storage.read(lambda tx: tx.templates.find("nothing")) is None


async def test_a_key_is_taken_once_in_a_brand_and_channel(scene: Scene) -> None:
    given = made.template()
    assert await inserted(scene, given)
    assert not await inserted(scene, replace(given, id="another", description="another"))
    assert await of_key(scene) == given
    for other in ({"channel": "sms"}, {"template_key": "other"}, {"brand_id": "other"}):
        assert await inserted(scene, made.template(**other))


async def test_templates_are_listed_by_channel_and_key(scene: Scene) -> None:
    places = [("email", "B"), ("email", "a"), ("email", "b"), ("push", "b"), ("sms", "a")]
    for channel, key in reversed(places):
        assert await inserted(scene, made.template(channel=channel, template_key=key))
    assert await inserted(scene, made.template(template_key="archived", archived_at=NOW))
    assert await inserted(scene, made.template(brand_id="other"))

    async def listed(after: Any = None, limit: int = 9, **where: Any) -> list[tuple[str, str]]:
        page = await scene.storage.read(
            lambda tx: tx.templates.list_page(BRAND, TemplateFilter(**where), after, limit)
        )
        return [(each.channel, each.template_key) for each in page]

    assert await listed() == places
    assert await listed(limit=2) == places[:2]
    assert await listed(after=places[1]) == places[2:]
    assert await listed(channel="email") == places[:3]
    assert await listed(after=places[0], channel="email") == places[1:3]
    assert await listed(template_key="b") == places[2:4]
    assert await listed(template_key="b", channel="push") == places[3:4]
    assert await listed(archived=True) == [("email", "archived")]


async def test_versions_of_a_template_are_numbered_from_one_and_the_newest_is_current(
    scene: Scene,
) -> None:
    for number in (1, 2):
        version = await put(scene, subject="S", created_at=NOW + number * SECOND)
        template = await of_key(scene)
        assert (version.revision, version.template_id) == (number, template.id)
        assert template.current_version_id == version.id
        assert template.updated_at == version.created_at
    for other in ({"channel": "sms"}, {"template_key": "other"}, {"brand_id": "other"}):
        assert (await put(scene, **other)).revision == 1


async def test_a_version_of_no_template_is_refused(scene: Scene) -> None:
    version = made.version(made.template())
    with pytest.raises(StorageError):
        await scene.storage.write(lambda tx: tx.templates.append(version))


async def test_versions_added_at_once_get_different_numbers(scene: Scene) -> None:
    versions = await asyncio.gather(*(put(scene) for _ in range(20)))
    assert sorted(each.revision for each in versions) == list(range(1, 21))
    last = max(versions, key=lambda each: each.revision)
    assert (await of_key(scene)).current_version_id == last.id


async def test_a_version_is_found_by_its_id_its_number_or_as_the_newest(scene: Scene) -> None:
    first, second = await put(scene, body="1"), await put(scene, body="2")
    template = await of_key(scene)
    assert await found(scene) == second
    assert await found(scene, 1) == first
    assert await found(scene, 3) is None
    assert await found(scene, key="nothing") is None
    for version in (first, second):
        assert (
            await scene.storage.read(
                lambda tx, version=version: tx.templates.find_version_by_id(version.id)  # type: ignore[misc]
            )
            == version
        )
    assert await scene.storage.read(lambda tx: tx.templates.find_version_by_id("x")) is None
    assert await scene.storage.read(lambda tx: tx.templates.list_versions(template, None, 1)) == [
        second
    ]
    assert await scene.storage.read(lambda tx: tx.templates.list_versions(template, 2, 5)) == [
        first
    ]


async def test_names_variables_and_variants_come_back_as_they_were_given(scene: Scene) -> None:
    variables = tuple(
        TemplateVariable(f"v{number}", kind, required=number % 2 == 0, default=default)
        for number, default in enumerate(DEFAULTS)
        for kind in [list(VariableType)[number % len(VariableType)]]
    )
    variants = (
        TemplateVariant("pt-BR", "assunto", "corpo ñ\r\n", "<p>"),
        TemplateVariant("de", None, "x" * 100_000, None),
    )
    given = await put(
        scene, names=("a", "ñ"), variables=variables, variables_inferred=False, variants=variants
    )
    read = await found(scene)
    assert read == given
    assert [type(variable.default) for variable in read.variables] == [
        type(default) for default in DEFAULTS
    ]


async def test_a_version_that_takes_nothing_has_no_names_variables_and_variants(
    scene: Scene,
) -> None:
    given = await put(scene)
    assert (given.names, given.variables, given.variables_inferred, given.variants) == (
        (),
        (),
        True,
        (),
    )
    assert await found(scene) == given


async def test_each_version_has_its_own_variables_and_variants(scene: Scene) -> None:
    versions = [await put(scene, variables=(TemplateVariable(name),)) for name in "abc"]
    for given in versions:
        assert await found(scene, given.revision) == given


@pytest.mark.parametrize("revision", [None, 7])
async def test_the_pinned_revision_of_a_campaign_comes_back_and_can_be_let_go(
    scene: Scene, revision: int | None
) -> None:
    given = await scene.campaign(template_revision=revision)
    assert await scene.found_campaign(given.id) == given
    other = made.campaign(id=given.id, template_revision=None if revision else 3)
    await scene.storage.write(lambda tx: tx.campaigns.replace(other))
    assert await scene.found_campaign(given.id) == other


TEMPLATE = (
    "INSERT INTO templates (brand_id, channel, template_key, revision, body, created_by, "
    "created_at)"
    " VALUES ('brand', 'email', '{key}', {revision}, '{{{{ name }}}}', 'x', {now})"
)
CAMPAIGN = (
    "INSERT INTO campaigns (id, brand_id, face, name, channel, template_key, variables, status, "
    "created_by, created_at, updated_at)"
    " VALUES ('{id}', 'brand', 'comms', 'n', 'email', 'old', '{{}}', '{status}', 'x', {now}, {now})"
)


def upgrade(connection: sqlalchemy.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def fill(connection: sqlalchemy.Connection) -> None:
    """The first schema, with what a service of that time would have written."""
    upgrade(connection, "0001")
    now = "0" if connection.dialect.name == "sqlite" else "now()"
    for key, revision in (("old", 1), ("old", 2), ("other", 9)):
        connection.execute(text(TEMPLATE.format(key=key, revision=revision, now=now)))
    for status in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED, CampaignStatus.SENT):
        connection.execute(text(CAMPAIGN.format(id=status, status=status, now=now)))


async def old_versions(tx: Transaction) -> list[TemplateVersion]:
    template = await tx.templates.find_by_key(BRAND, "email", "old")
    assert template is not None
    return await tx.templates.list_versions(template, None, 9)


async def assert_migrated(url: str) -> None:
    await migrate(url)
    storage = await open_storage(url)
    versions = await storage.read(old_versions)
    assert [
        (each.revision, each.names, each.variables, each.variables_inferred, each.variants)
        for each in versions
    ] == [(2, (), (), True, ()), (1, (), (), True, ())]
    templates = await storage.read(
        lambda tx: tx.templates.list_page(BRAND, TemplateFilter(), None, 9)
    )
    assert [each.template_key for each in templates] == ["old", "other"]
    assert templates[0].current_version_id == versions[0].id
    assert {each.template_id for each in versions} == {templates[0].id}
    assert len({each.id for each in versions} | {each.id for each in templates}) == 4
    campaigns = await storage.read(
        lambda tx: tx.campaigns.list_page(BRAND, "comms", None, None, 10)
    )
    assert {campaign.id: campaign.template_revision for campaign in campaigns} == {
        "draft": None,
        "scheduled": 2,
        "sent": None,
    }
    assert (await storage.write(lambda tx: made.put_version(tx, template_key="old"))).revision == 3
    await storage.close()


async def test_what_the_first_schema_held_is_kept_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    await assert_migrated(url)


async def test_what_the_first_schema_held_is_kept_on_postgres(
    new_postgres_database: Callable[[], str],
) -> None:
    url = new_postgres_database()
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    await engine.dispose()
    await assert_migrated(url)
