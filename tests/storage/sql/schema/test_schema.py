from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from storage.contract.errors import SchemaMismatch
from storage.model.sends import CancelReceipt
from storage.sql import migrate, open_storage
from storage.sql.postgres.engine import make_engine
from storage.sql.schema.tables import metadata


def is_compared(_: object, name: str | None, kind: str, *__: object) -> bool:
    """Alembic cannot compare indexes of expressions: the tests of statements do."""
    return (kind, name) != ("index", "ix_people_patient_id")


def differences(connection: sqlalchemy.Connection) -> list[object]:
    opts = {"compare_type": True, "include_object": is_compared}
    context = MigrationContext.configure(connection, opts=opts)
    return list(compare_metadata(context, metadata))


async def test_migrations_make_the_schema_of_the_tables_on_postgres(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_make_the_schema_of_the_tables_on_sqlite(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


def test_migrations_write_the_same_statements_as_the_tables_on_sqlite(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Also what Alembic does not compare: checks and conditions of indexes."""
    directly = f"sqlite:///{tmp_path / 'directly.db'}"
    engine = create_engine(directly)
    metadata.create_all(engine)
    engine.dispose()
    assert statements(sqlite_url) == statements(directly)


def statements(url: str) -> dict[str, list[str]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> "
            "'alembic_version'"
        ).all()
    engine.dispose()
    # A column added later stands on the line of the column before it, and the name of a table that
    # was made anew in quotes.
    parts = {
        name: re.split(r"\n|, (?=\w+ [A-Z]+\b)", sql.replace(f'"{name}"', name))
        for name, sql in rows
    }
    return {
        name: sorted(re.sub(r"\s+", " ", part).strip(" ,") for part in each)
        for name, each in parts.items()
    }


async def test_migrations_write_the_same_checks_and_settings_as_the_tables_on_postgres(
    postgres_url: str, new_postgres_database: Callable[[], str]
) -> None:
    directly = new_postgres_database()
    engine = make_engine(directly)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    assert await details(postgres_url) == await details(directly)


async def details(url: str) -> list[tuple[str, ...]]:
    parts = make_url(url)
    connection = await asyncpg.connect(
        user=parts.username, database=parts.database, host=parts.query["host"]
    )
    rows = await connection.fetch(
        """
        SELECT conname::text AS name, pg_get_constraintdef(oid) AS definition
            FROM pg_constraint WHERE conrelid <> 0
        UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT relname, array_to_string(reloptions, ',')
            FROM pg_class WHERE reloptions IS NOT NULL AND relkind = 'r'
        UNION ALL SELECT table_name || '.' || column_name,
            concat_ws(' ', data_type, collation_name, is_nullable)
            FROM information_schema.columns WHERE table_schema = 'public'
        ORDER BY name, definition
        """
    )
    await connection.close()
    return [tuple(row) for row in rows if "alembic" not in row["name"]]


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
    await (await open_storage(database_url)).close()


async def test_processes_that_start_at_once_may_all_migrate(
    new_postgres_database: Callable[[], str],
) -> None:
    url = new_postgres_database()
    await asyncio.gather(*(migrate(url) for _ in range(4)))
    await (await open_storage(url)).close()


async def test_an_empty_database_is_not_opened_and_the_command_to_run_is_named(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    for url in (f"sqlite:///{tmp_path / 'missing.db'}", new_postgres_database()):
        with pytest.raises(SchemaMismatch, match=r"empty.*run `carillon migrate`"):
            await open_storage(url)
    assert not (tmp_path / "missing.db").exists()


async def test_a_database_of_a_newer_version_is_neither_opened_nor_migrated(
    sqlite_url: str,
) -> None:
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(SchemaMismatch, match="9999"):
        await open_storage(sqlite_url)
    with pytest.raises(SchemaMismatch, match="newer"):
        await migrate(sqlite_url)


async def test_brands_that_rows_name_are_taken_over(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    for url in (f"sqlite:///{tmp_path / 'old.db'}", new_postgres_database()):
        await migrate(url, "0004")
        await fill_with_brands(url)
        await migrate(url)
        storage = await open_storage(url)
        found = await storage.read(lambda tx: tx.brands.list_page("", None, 99))
        await storage.close()
        assert [brand.id for brand in found] == [
            "acme",
            "b",
            "of a policy",
            "of-people",
            "zz",
            "Äcme",
        ]
        assert {(brand.name == brand.id, brand.created_by) for brand in found} == {
            (True, "carillon")
        }
        assert all(
            abs(datetime.now(UTC) - brand.created_at) < timedelta(minutes=5) for brand in found
        )


ROWS_OF_A_RUNNING_SEND = [
    (
        "INSERT INTO people VALUES ('acme', 'ann', '{{}}', 'Ann@Example.com', NULL, '[]', NULL, "
        "NULL, {now}, {now})"
    ),
    "INSERT INTO people VALUES ('acme', 'bob', '{{}}', NULL, NULL, '[]', NULL, NULL, {now}, {now})",
    """
    INSERT INTO campaigns (id, brand_id, face, name, channel, template_key, variables, status,
        created_by, created_at, updated_at)
    VALUES ('c', 'acme', 'comms', 'n', 'email', 'k', '{{}}', 'sending', 't', {now}, {now})
    """,
    """
    INSERT INTO sends (id, campaign_id, brand_id, status, channel, template_key,
        template_revision, variables, audience_done, total, pending, in_flight, sent, failed,
        skipped,
        cancelled, expired, unknown, created_by, created_at)
    VALUES ('s', 'c', 'acme', 'sending', 'email', 'k', 1, '{{}}', false,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 't', {now})
    """,
]


async def test_sends_that_there_were_go_on_as_they_began_and_emails_get_their_one_form(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    for url in (f"sqlite:///{tmp_path / 'old.db'}", new_postgres_database()):
        await migrate(url, "0006")
        await fill(url, ROWS_OF_A_RUNNING_SEND)
        await migrate(url)
        storage = await open_storage(url)
        send = await storage.read(lambda tx: tx.sends.find("s"))
        campaign = await storage.read(lambda tx: tx.campaigns.find("c"))
        people = await storage.read(lambda tx: tx.people.find_many("acme", ["ann", "bob"]))
        await storage.close()
        assert send is not None
        assert campaign is not None
        assert (send.allow_shared_addresses, campaign.allow_shared_addresses) == (True, False)
        assert [people[each].email for each in ("ann", "bob")] == ["ann@example.com", None]


ROWS_OF_CANCELLATIONS = [
    """
    INSERT INTO campaigns (id, brand_id, face, name, channel, template_key, variables, status,
        created_by, created_at, updated_at)
    VALUES
        ('once', 'acme', 'comms', 'n', 'email', 'k', '{{}}', 'cancelled', 't', {now}, {now}),
        ('twice', 'acme', 'comms', 'n', 'email', 'k', '{{}}', 'cancelled', 't', {now}, {now}),
        ('draft', 'acme', 'comms', 'n', 'email', 'k', '{{}}', 'cancelled', 't', {now}, {now}),
        ('misfired', 'acme', 'comms', 'n', 'email', 'k', '{{}}', 'cancelled', 't', {now}, {now}),
        ('running', 'acme', 'comms', 'n', 'email', 'k', '{{}}', 'sending', 't', {now}, {now})
    """,
    """
    INSERT INTO sends (id, campaign_id, brand_id, status, channel, template_key,
        template_revision, variables, audience_done, total, pending, in_flight, sent, failed,
        skipped, cancelled, expired, unknown, created_by, created_at)
    VALUES
        ('of-once', 'once', 'acme', 'cancelled', 'email', 'k', 1, '{{}}', true,
            9, 0, 0, 3, 0, 0, 6, 0, 0, 't', {now}),
        ('first', 'twice', 'acme', 'cancelled', 'email', 'k', 1, '{{}}', true,
            3, 0, 0, 0, 1, 0, 2, 0, 0, 't', {now}),
        ('second', 'twice', 'acme', 'cancelled', 'email', 'k', 1, '{{}}', true,
            1, 0, 0, 0, 0, 0, 1, 0, 0, 't', {now}),
        ('third', 'twice', 'acme', 'cancelled', 'email', 'k', 1, '{{}}', true,
            2, 0, 0, 0, 0, 0, 2, 0, 0, 't', {now}),
        ('before-the-log', 'once', 'acme', 'cancelled', 'email', 'k', 1, '{{}}', true,
            4, 0, 0, 0, 0, 0, 4, 0, 0, 't', {now}),
        ('goes-on', 'running', 'acme', 'sending', 'email', 'k', 1, '{{}}', false,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 't', {now})
    """,
    """
    INSERT INTO audit_entries (id, brand_id, actor, action, subject_id, details, created_at) VALUES
        ('01', 'acme', 't', 'send_paused', 'of-once', '{{}}', {now}),
        ('02', 'acme', 't', 'send_cancelled', 'of-once',
            '{{"receipt": {{"sent": 2, "in_flight": 1, "cancelled": 6}}}}', {now}),
        ('03', 'acme', 't', 'campaign_cancelled', 'once',
            '{{"receipt": {{"sent": 2, "in_flight": 1, "cancelled": 6}}, "send_ids": ["of-once"]}}',
            {now}),
        ('04', 'other', 't', 'campaign_cancelled', 'once',
            '{{"receipt": {{"sent": 9, "in_flight": 9, "cancelled": 9}}, "send_ids": ["none"]}}',
            {now}),
        ('05', 'acme', 't', 'send_cancelled', 'first',
            '{{"receipt": {{"sent": 0, "in_flight": 0, "cancelled": 2}}}}', {now}),
        ('06', 'acme', 't', 'campaign_cancelled', 'twice',
            '{{"receipt": {{"sent": 0, "in_flight": 0, "cancelled": 2}}, "send_ids": ["first"]}}',
            {now}),
        ('07', 'acme', 't', 'send_retried', 'first', '{{"child_send_id": "second"}}', {now}),
        ('08', 'acme', 't', 'send_cancelled', 'second',
            '{{"receipt": {{"sent": 0, "in_flight": 0, "cancelled": 1}}}}', {now}),
        ('09', 'acme', 't', 'send_cancelled', 'third',
            '{{"receipt": {{"sent": 0, "in_flight": 0, "cancelled": 2}}}}', {now}),
        ('10', 'acme', 't', 'campaign_cancelled', 'twice',
            '{{"receipt": {{"sent": 0, "in_flight": 0, "cancelled": 3}},
                "send_ids": ["second", "third"]}}', {now}),
        ('11', 'acme', 't', 'campaign_cancelled', 'draft',
            '{{"receipt": {{"sent": 0, "in_flight": 0, "cancelled": 0}}, "send_ids": []}}', {now}),
        ('12', 'acme', 'carillon', 'campaign_misfired', 'misfired', '{{}}', {now})
    """,
]


async def test_receipts_that_were_in_the_audit_log_alone_are_taken_over(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    for url in (f"sqlite:///{tmp_path / 'old.db'}", new_postgres_database()):
        await migrate(url, "0007")
        await fill(url, ROWS_OF_CANCELLATIONS)
        await migrate(url)
        storage = await open_storage(url)
        sends = await storage.read(
            lambda tx: tx.sends.find_many(
                ["of-once", "first", "second", "third", "before-the-log", "goes-on"]
            )
        )
        stopped = {
            campaign.id: campaign.cancelled_send_ids
            for campaign in await storage.read(
                lambda tx: tx.campaigns.list_page("acme", "comms", None, None, 9)
            )
        }
        await storage.close()
        assert {send.id: send.receipt for send in sends.values()} == {
            "of-once": CancelReceipt(sent=2, in_flight=1, cancelled=6),
            "first": CancelReceipt(cancelled=2),
            "second": CancelReceipt(cancelled=1),
            "third": CancelReceipt(cancelled=2),
            "before-the-log": None,
            "goes-on": None,
        }
        assert stopped == {
            "once": ("of-once",),
            "twice": ("second", "third"),
            "draft": (),
            "misfired": (),
            "running": (),
        }


async def test_attempts_are_kept_when_their_table_is_made_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    await migrate(url, "0009")
    await fill(
        url,
        [
            """
            INSERT INTO attempts (id, message_id, number, lease, provider, started_at, finished_at,
                outcome, reason, provider_message_id)
            VALUES ('b', 'm', 2, 3, 'smtp', {now}, {now}, 'rejected', '550', NULL),
                ('a', 'm', 1, 1, 'smtp', {now}, {now}, 'ambiguous', NULL, 'x')
            """
        ],
    )
    await migrate(url)
    storage = await open_storage(url)
    kept = await storage.read(lambda tx: tx.messages.list_attempts("m", None, 10))
    await storage.close()
    assert [(each.id, each.number, each.outcome, each.reason) for each in kept] == [
        ("a", 1, "ambiguous", None),
        ("b", 2, "rejected", "550"),
    ]


async def test_inbox_items_of_messages_are_taken_over(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    for url in (f"sqlite:///{tmp_path / 'old.db'}", new_postgres_database()):
        await migrate(url, "0010")
        await fill(
            url,
            [
                """
                INSERT INTO inbox_items VALUES ('m-1', 'acme', 'ann', 'Hi', 'x', {now}),
                    ('m-2', 'acme', 'ann', NULL, 'y', {now})
                """
            ],
        )
        await migrate(url)
        storage = await open_storage(url)
        kept = await storage.read(lambda tx: tx.inbox.list_page("acme", "ann", None, 10))
        await storage.close()
        assert [(each.id, each.message_id, each.title, each.body) for each in kept] == [
            ("m-2", "m-2", "", "y"),
            ("m-1", "m-1", "Hi", "x"),
        ]
        assert {(each.category, each.read_at, each.archived_at) for each in kept} == {
            ("transactional", None, None)
        }


async def fill_with_brands(url: str) -> None:
    """Rows of a version that had no records of brands; one brand is in two tables, one row has
    none."""
    rows = [
        (
            "INSERT INTO segments VALUES ('1', 'acme', 'all', '[]', 't', {now}), ('2', 'b', 'all', "
            "'[]', 't', {now})"
        ),
        (
            "INSERT INTO segments VALUES ('3', 'b', 'all', '[]', 't', {now}), "
            "('4', 'zz', 'all', '[]', "
            "'t', {now})"
        ),
        (
            "INSERT INTO people VALUES ('of-people', 'ann', '[]', NULL, "
            "NULL, '[]', NULL, NULL, {now}, "
            "{now})"
        ),
        "INSERT INTO inbox_items VALUES ('m', 'Äcme', 'ann', NULL, 'x', {now})",
        (
            "INSERT INTO brand_policies VALUES ('of a policy', 'park', 'send_now', 0, '[]', NULL, "
            "NULL)"
        ),
        (
            "INSERT INTO audit_entries VALUES ('1', 'acme', 't', 'x', 's', '[]', {now}), ('2', '', "
            "'t', 'x', 's', '[]', {now})"
        ),
    ]
    await fill(url, rows)


async def fill(url: str, rows: list[str]) -> None:
    if url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.begin() as connection:
            for row in rows:
                connection.exec_driver_sql(row.format(now=1))
        engine.dispose()
    else:
        parts = make_url(url)
        postgres = await asyncpg.connect(
            user=parts.username, database=parts.database, host=parts.query["host"]
        )
        for row in rows:
            await postgres.execute(row.format(now="now()"))
        await postgres.close()
