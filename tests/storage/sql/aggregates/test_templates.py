"""Template revisions: their numbers, schemas and languages, the pinned revision of a campaign, and
the migration that brought them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from storage.model.campaigns import CampaignStatus
from storage.model.templates import Template, TemplateVariable, TemplateVariant, VariableType
from storage.sql import migrate, open_storage
from storage.sql.postgres.engine import make_engine
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW
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


async def appended(scene: Scene, template: Template) -> Template:
    return await scene.storage.write(lambda tx: tx.templates.append(template))


async def test_revisions_of_a_template_are_numbered_from_one_for_each_key(scene: Scene) -> None:
    given = made.template(revision=7, subject="S", html="<p>")
    assert await scene.storage.write(lambda tx: tx.templates.append(given)) == replace(
        given, revision=1
    )
    assert (await scene.storage.write(lambda tx: tx.templates.append(given))).revision == 2
    for other in (
        replace(given, channel="sms"),
        replace(given, template_key="other"),
        replace(given, brand_id="other"),
    ):
        assert (
            await scene.storage.write(lambda tx, other=other: tx.templates.append(other))  # type: ignore[misc]
        ).revision == 1


async def test_appending_at_once_gives_different_numbers(scene: Scene) -> None:
    appended = await asyncio.gather(
        *(scene.storage.write(lambda tx: tx.templates.append(made.template())) for _ in range(20))
    )
    assert sorted(each.revision for each in appended) == list(range(1, 21))


async def test_a_template_is_found_by_revision_or_the_latest(scene: Scene) -> None:
    first = await scene.storage.write(lambda tx: tx.templates.append(made.template(body="1")))
    second = await scene.storage.write(lambda tx: tx.templates.append(made.template(body="2")))
    assert (
        await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "welcome")) == second
    )
    assert (
        await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "welcome", 1))
        == first
    )
    assert (
        await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "welcome", 3)) is None
    )
    assert await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "nothing")) is None
    assert await scene.storage.read(
        lambda tx: tx.templates.list_revisions(BRAND, "email", "welcome", None, 1)
    ) == [second]
    assert await scene.storage.read(
        lambda tx: tx.templates.list_revisions(BRAND, "email", "welcome", 2, 5)
    ) == [first]


async def test_variables_and_variants_come_back_as_they_were_given(scene: Scene) -> None:
    variables = tuple(
        TemplateVariable(f"v{number}", kind, required=number % 2 == 0, default=default)
        for number, default in enumerate(DEFAULTS)
        for kind in [list(VariableType)[number % len(VariableType)]]
    )
    variants = (
        TemplateVariant("pt-BR", "assunto", "corpo ñ\r\n", "<p>"),
        TemplateVariant("de", None, "x" * 100_000, None),
    )
    given = await appended(
        scene, made.template(variables=variables, variables_inferred=False, variants=variants)
    )
    found = await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "welcome"))
    assert found == given
    assert found is not None
    assert [type(variable.default) for variable in found.variables] == [
        type(default) for default in DEFAULTS
    ]


async def test_a_template_that_takes_nothing_has_no_variables_and_no_variants(scene: Scene) -> None:
    given = await appended(scene, made.template())
    assert (given.variables, given.variables_inferred, given.variants) == ((), True, ())
    assert await scene.storage.read(
        lambda tx: tx.templates.list_revisions(BRAND, "email", "welcome", None, 10)
    ) == [given]


async def test_each_revision_has_its_own_variables_and_variants(scene: Scene) -> None:
    revisions = [
        await appended(scene, made.template(variables=(TemplateVariable(name),))) for name in "abc"
    ]
    for given in revisions:
        assert (
            await scene.storage.read(
                # The default binds the variable of the loop.
                lambda tx, given=given: tx.templates.find(BRAND, "email", "welcome", given.revision)  # type: ignore[misc]
            )
            == given
        )


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


async def assert_migrated(url: str) -> None:
    await migrate(url)
    storage = await open_storage(url)
    template = await storage.read(lambda tx: tx.templates.find(BRAND, "email", "old"))
    assert template is not None
    assert (
        template.revision,
        template.variables,
        template.variables_inferred,
        template.variants,
    ) == (2, (), True, ())
    campaigns = await storage.read(
        lambda tx: tx.campaigns.list_page(BRAND, "comms", None, None, 10)
    )
    assert {campaign.id: campaign.template_revision for campaign in campaigns} == {
        "draft": None,
        "scheduled": 2,
        "sent": None,
    }
    assert (
        await storage.write(
            lambda tx: tx.templates.append(made.template(template_key="old", created_at=NOW))
        )
    ).revision == 3
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
