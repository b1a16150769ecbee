"""`api`, `dispatcher` and `gateway`, each a process of its own, on one PostgreSQL."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from tests.support.api.callers import RestCaller
from tests.support.api.running import free_ports
from tests.support.api.scenes import put_template
from tests.support.carillon import Installation


@pytest.fixture
def on_postgres(
    installation: Installation, new_postgres_database: Callable[[], str]
) -> Installation:
    installation.settings["CARILLON_DATABASE_URL"] = new_postgres_database()
    installation.settings["CARILLON_DRAIN_SECONDS"] = "0"
    return installation


async def test_migrate_can_be_run_again(installation: Installation) -> None:
    for _ in range(2):
        ended = await installation.run("migrate")
        assert (ended.status, ended.out) == (0, "the database is up to date\n"), ended


@pytest.mark.parametrize("command", ["api", "dispatcher"])
async def test_database_that_is_not_migrated_is_one_clear_line(
    on_postgres: Installation, command: str
) -> None:
    assert "carillon migrate" in (await on_postgres.run(command)).complaint


async def test_replica_without_the_key_of_the_others_does_not_start(
    on_postgres: Installation,
) -> None:
    assert (await on_postgres.run("migrate")).status == 0
    for command in ("api", "dispatcher"):
        assert (await on_postgres.run(command)).complaint.startswith(
            "CARILLON_SIGNING_KEY_FILE: there is no signing key here"
        )


async def test_database_that_is_not_there_is_one_clear_line(installation: Installation) -> None:
    (free_port,) = free_ports(1)
    installation.settings["CARILLON_DATABASE_URL"] = (
        f"postgresql://nobody:s3cret@127.0.0.1:{free_port}/none"
    )
    complaint = (await installation.run("api")).complaint
    assert "s3cret" not in complaint


async def test_three_processes_on_one_database_are_one_service(on_postgres: Installation) -> None:
    for _ in range(2):
        assert (await on_postgres.run("migrate")).status == 0
    on_postgres.make_key()
    assert (await on_postgres.run("brand", "create", "acme")).status == 0
    token = await on_postgres.token("acme")
    async with (
        on_postgres.running("api", "ready") as api,
        on_postgres.running("dispatcher", "ready") as dispatcher,
        on_postgres.running("gateway", "ready") as gateway,
        httpx.AsyncClient(
            base_url=on_postgres.rest, headers={"authorization": f"Bearer {token}"}
        ) as client,
    ):
        assert (await client.get("/readyz")).status_code == 200
        await put_template(RestCaller(client, token), "acme", key="hello", body="Hello")
        message = {
            "brand_id": "acme",
            "channel": "email",
            "template_key": "hello",
            "person_id": "ann",
            "recipient": "ann@example.com",
            "dedup_key": "one",
            "scheduled_at": datetime.now(UTC).isoformat(),
        }
        accepted = await client.post("/v1/messages/schedule", json=message)
        assert accepted.status_code == 201, accepted.text
        path = f"/v1/messages/scheduled/{accepted.json()['id']}"
        while (seen := (await client.get(path)).json())["status"] in ("pending", "sending"):
            pass
        assert seen["status"] == "sent"
        assert (on_postgres.directory / "var" / "outbox" / "email" / f"{seen['id']}.eml").exists()
        for part in (gateway, dispatcher, api):
            ended = await part.stop(signal.SIGTERM)
            assert (ended.status, "Traceback" in ended.err) == (0, False)
