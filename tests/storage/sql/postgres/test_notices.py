"""Signals of processes that share a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from storage.contract.signals import messages
from storage.contract.storage import Storage
from storage.sql import open_storage
from storage.sql.postgres import notices
from tests.support.storage import made


async def opened(url: str) -> Storage:
    """The database as one process has it, which hears the others."""
    storage = await open_storage(url, share_signals=True)
    await until_shared(storage)
    return storage


async def until_shared(storage: Storage) -> None:
    with storage.signals.subscribe("anything") as changed:
        while not storage.signals.shared:
            await changed.wait()
            changed.clear()


@pytest.fixture
async def processes(postgres_url: str) -> AsyncIterator[tuple[Storage, Storage]]:
    ours, theirs = await opened(postgres_url), await opened(postgres_url)
    yield ours, theirs
    await ours.close()
    await theirs.close()


async def test_what_another_process_signals_is_heard(processes: tuple[Storage, Storage]) -> None:
    ours, theirs = processes
    message = made.message()
    with ours.signals.subscribe(messages("email")) as heard:
        await theirs.write(lambda tx: tx.messages.insert_unless_duplicate(message))
        await heard.wait()


async def test_a_connection_that_broke_is_made_again_and_who_waits_looks(
    processes: tuple[Storage, Storage], admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "_AGAIN_SECONDS", 0.01)
    ours, theirs = processes
    with (
        ours.signals.subscribe(messages("email")) as heard,
        theirs.signals.subscribe("anything") as broken,
    ):
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await heard.wait()
        await broken.wait()
        await until_shared(ours)
        await until_shared(theirs)
        heard.clear()
        message = made.message()
        await theirs.write(lambda tx: tx.messages.insert_unless_duplicate(message))
        await heard.wait()


async def test_nobody_is_said_to_be_heard_who_is_not(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler, which gives each transaction a connection of its own."""
    monkeypatch.setattr(notices, "_PROBE_SECONDS", 0.01)
    told = asyncio.Event()

    async def listens_elsewhere(*_: object) -> None:
        told.set()

    monkeypatch.setattr(asyncpg.Connection, "add_listener", listens_elsewhere)
    storage = await open_storage(postgres_url, share_signals=True)
    await told.wait()
    for _ in range(3):
        await storage.now()
    assert not storage.signals.shared
    await storage.close()


def test_any_number_of_topics_of_any_script_is_told() -> None:
    topics = [f"inbox.brand.{'日' * 40}{number}" for number in range(500)]
    payloads = list(notices._payloads(topics))
    assert [topic for payload in payloads for topic in payload.split("\n")] == topics
    assert len(payloads) > 1
    assert all(len(payload.encode()) < 8000 for payload in payloads)
