"""`carillon prune`: what is old leaves, beside a service or without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.app import Part
from storage.contract.storage import Storage
from storage.model.messages import MessageFilter, MessageStatus
from storage.sql import open_storage
from tests.support.api.running import running_service
from tests.support.carillon import Installation
from tests.support.databases import (
    database_url,
    migrated_database,
    migrated_file,
    postgres_url,
    sqlite_url,
)
from tests.support.storage import made

__all__ = [
    "database_url",
    "migrated_database",
    "migrated_file",
    "postgres_url",
    "sqlite_url",
]


@pytest.fixture
def installed(installation: Installation, sqlite_url: str) -> Installation:
    """On a migrated database. What is deleted, on both kinds, is in
    tests/storage/sql/delivery/test_pruning.py."""
    installation.settings["CARILLON_DATABASE_URL"] = sqlite_url
    return installation


async def fill(storage: Storage) -> None:
    """Messages that ended 100, 40 and 0 days ago, and one of 100 days ago that waits."""
    ages = (
        (MessageStatus.SENT, 100),
        (MessageStatus.FAILED, 40),
        (MessageStatus.SENT, 0),
        (MessageStatus.PENDING, 100),
    )
    for status, days in ages:
        then = datetime.now(UTC) - timedelta(days=days)
        message = made.message(status=status, scheduled_at=then, due_at=then, created_at=then)
        await storage.write(
            lambda tx, message=message: tx.messages.insert_unless_duplicate(message)  # type: ignore[misc]
        )
    record = made.idempotency_record(created_at=datetime.now(UTC) - timedelta(days=8))
    await storage.write(lambda tx: tx.idempotency.insert(record))


async def left(storage: Storage) -> int:
    return len(
        await storage.read(lambda tx: tx.messages.list_page(made.BRAND, MessageFilter(), None, 100))
    )


async def test_prune_deletes_what_is_older_than_the_setting_or_the_days_given(
    installed: Installation,
) -> None:
    url = installed.settings["CARILLON_DATABASE_URL"]
    storage = await open_storage(url)
    await fill(storage)
    await storage.close()
    for arguments, said in (
        (("prune",), "deleted 1 messages and 1 answers to idempotency keys\n"),
        (("prune", "--days", "30"), "deleted 1 messages and 0 answers to idempotency keys\n"),
        (("prune", "--days", "30"), "deleted 0 messages and 0 answers to idempotency keys\n"),
    ):
        ended = await installed.run(*arguments)
        assert (ended.status, ended.out, ended.err) == (0, said, "")
    storage = await open_storage(url)
    assert await left(storage) == 2
    await storage.close()


async def test_prune_runs_beside_a_service_on_postgres(
    installation: Installation, postgres_url: str
) -> None:
    installation.settings["CARILLON_DATABASE_URL"] = postgres_url
    storage = await open_storage(postgres_url)
    await fill(storage)
    assert (await installation.run("prune")).status == 0
    assert await left(storage) == 3
    await storage.close()


async def test_prune_leaves_an_embedded_database_that_is_in_use_and_says_so(
    installation: Installation, sqlite_url: str
) -> None:
    installation.settings["CARILLON_DATABASE_URL"] = sqlite_url
    storage = await open_storage(sqlite_url)
    await fill(storage)
    assert "in use by another process" in (await installation.run("prune")).complaint
    assert await left(storage) == 4
    await storage.close()


async def test_prune_keeps_every_message_where_the_setting_is_0_and_says_how_to_override_it(
    installed: Installation,
) -> None:
    url = installed.settings["CARILLON_DATABASE_URL"]
    storage = await open_storage(url)
    await fill(storage)
    await storage.close()
    installed.settings["CARILLON_RETENTION_DAYS"] = "0"
    ended = await installed.run("prune")
    assert (ended.status, ended.out) == (
        0,
        "deleted 0 messages and 1 answers to idempotency keys\n",
    )
    assert "--days" in ended.err
    assert (await installed.run("prune", "--days", "36500")).out.startswith("deleted 0 ")
    assert (await installed.run("prune", "--days", "1")).out.startswith("deleted 2 ")


async def test_a_dispatcher_prunes_by_the_setting_when_it_starts(
    tmp_path: Path, database_url: str
) -> None:
    storage = await open_storage(database_url)
    await fill(storage)
    await storage.close()
    parts = frozenset({Part.API, Part.DISPATCHER})
    async with running_service(tmp_path, database_url, parts, retention_days=30) as running:
        assert running.service.storage is not None
        while await left(running.service.storage) > 2:
            pass


@pytest.mark.parametrize("days", ["0", "-1", "36501", "soon"])
async def test_prune_refuses_days_that_cannot_be_meant(
    installation: Installation, days: str
) -> None:
    ended = await installation.run("prune", "--days", days)
    assert (ended.status, "--days" in ended.err) == (2, True)
