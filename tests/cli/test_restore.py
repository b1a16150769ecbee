"""A database put back to an earlier state: delivery is held until somebody releases it with the
command."""

from __future__ import annotations

import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path

import grpc

from server.runtime.demo import BRAND
from storage.sql import open_storage
from tests.support.api.callers import GrpcCaller
from tests.support.api.deliveries import ended, message, schedule
from tests.support.api.scenes import ok
from tests.support.carillon import Installation
from tests.support.storage import made


async def accept_before_anything_runs(database: Path) -> str:
    """A message that is due, in a database nobody has; its id."""
    now = datetime.now(UTC)
    due = made.message(
        "ada",
        brand_id=BRAND,
        recipient="ada@example.com",
        scheduled_at=now,
        due_at=now,
        created_at=now,
    )
    storage = await open_storage(f"sqlite:///{database}")
    try:
        assert await storage.write(lambda tx: tx.messages.insert_unless_duplicate(due))
    finally:
        await storage.close()
    return due.id


async def test_a_restored_database_delivers_nothing_until_it_is_released(
    installation: Installation,
) -> None:
    database, copy = (
        installation.directory / "var" / "carillon.db",
        installation.directory / "copy.db",
    )
    async with installation.running() as serving:
        token = await installation.token(BRAND)
        await serving.stop(signal.SIGTERM)
    message_id = await accept_before_anything_runs(database)
    shutil.copyfile(database, copy)
    async with (
        installation.running() as serving,
        grpc.aio.insecure_channel(installation.grpc) as channel,
    ):
        assert (await ended(GrpcCaller(channel, token), message_id))["status"] == "sent"
        await serving.stop(signal.SIGTERM)

    for leftover in database.parent.glob("carillon.db-*"):
        leftover.unlink()
    shutil.copyfile(copy, database)
    installation.errors = installation.directory / "errors"
    async with (
        installation.running() as serving,
        grpc.aio.insecure_channel(installation.grpc) as channel,
    ):
        api = GrpcCaller(channel, token)
        hold = await ok(api, "ops.HoldService/GetHold", {})
        assert hold["held"] is True
        later = await schedule(
            api, BRAND, recipient="bob@example.com", person_id="bob", variables={"news": "held"}
        )
        assert [(await message(api, each))["status"] for each in (message_id, later["id"])] == [
            "pending",
            "pending",
        ]
        log = installation.errors.read_text()
        assert "restored backup" in log
        assert "carillon release --i-understand" in log

        refused = await installation.run("release")
        assert refused.status == 2
        assert "may go out again" in refused.err
        assert (await ok(api, "ops.HoldService/GetHold", {}))["held"] is True

        released = await installation.run("release", "--i-understand")
        assert (released.status, released.out) == (0, "delivery goes on\n")
        for each in (message_id, later["id"]):
            assert (await ended(api, each))["status"] == "sent"
        again = await installation.run("release", "--i-understand")
        assert (again.status, again.out) == (0, "delivery was not held\n")
        await serving.stop(signal.SIGTERM)


async def test_without_a_running_service_the_command_releases_the_database_itself(
    installation: Installation,
) -> None:
    async with installation.running() as serving:
        await serving.stop(signal.SIGTERM)
    storage = await open_storage(f"sqlite:///{installation.directory / 'var' / 'carillon.db'}")
    try:
        await storage.write(lambda tx: tx.dispatchers.hold("a copy", datetime.now(UTC)))
    finally:
        await storage.close()

    assert (await installation.run("release", "--i-understand")).out == "delivery goes on\n"
    assert (await installation.run("release", "--i-understand")).out == "delivery was not held\n"
