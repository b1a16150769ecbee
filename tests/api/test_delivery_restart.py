"""What was accepted before a restart is delivered after it, once; each test on one database.
Dispatchers that stop and start, on both, are in tests/dispatch/test_dispatcher.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from server.config import Settings
from server.database import migrate_database
from tests.api.conftest import IDLE, NewDatabase
from tests.support.api.callers import GrpcCaller
from tests.support.api.deliveries import (
    SENDS,
    attempts,
    ended,
    mail,
    mailed,
    message,
    messages_of,
    report,
    schedule,
)
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    campaign,
    comms_campaign,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_template,
    recipients,
    until,
)


async def installed(directory: Path, database_url: str = "") -> Settings:
    """Of an installation that is migrated and not running."""
    made = Settings(data_dir=directory, database_url=database_url)
    await migrate_database(made)
    return made


def client(running: Running, brand: str) -> GrpcCaller:
    return GrpcCaller(running.channel, running.token(brand))


async def finished(running: Running, api: GrpcCaller, send_id: str) -> dict[str, Any]:
    return await until(
        running, lambda: ok(api, f"{SENDS}/GetSend", {"id": send_id}), "status", "completed"
    )


async def test_what_was_accepted_is_delivered_once_by_the_next_process(
    tmp_path: Path, brand: str
) -> None:
    settings = await installed(tmp_path)
    async with running_service(settings.data_dir, settings.database_url, IDLE) as running:
        api = client(running, brand)
        await put_person(api, brand, "ann")
        await put_template(api, brand)
        single = await schedule(api, brand)
        future = await schedule(api, brand, dedup_key="future", scheduled_at=instant(FAR))
        cancelled = await schedule(api, brand, dedup_key="cancelled")
        await ok(api, "comms.MessageService/CancelMessage", {"id": cancelled["id"]})
        due = await comms_campaign(api, brand, scheduled_at=instant())
        people = recipients(300)
        request = {"id": await messaging_campaign(api, brand), "recipients": people}
        send = await ok(api, f"{MESSAGING}/PublishCampaign", request)
        assert mailed(running) == set()

    async with running_service(settings.data_dir, settings.database_url) as running:
        api = client(running, brand)
        assert (await finished(running, api, send["id"]))["sent_count"] == 300
        assert (await ended(api, single["id"]))["status"] == "sent"
        await until(running, lambda: campaign(api, COMMS, due), "status", "sent")
        sent = await messages_of(api, status="sent")
        assert len(sent) == 302
        assert mailed(running) == {row["id"] for row in sent}
        assert {mail(running, row["id"])["To"] for row in sent if row["dedup_key"] == ""} == {
            "ann@example.com", *(each["recipient"] for each in people)
        }  # fmt: skip
        for row in sent[::30]:
            assert len(await attempts(api, row["id"])) == 1
        assert (await message(api, future["id"]))["status"] == "pending"
        assert (await message(api, cancelled["id"]))["status"] == "cancelled"

    async with running_service(settings.data_dir, settings.database_url) as running:
        api = client(running, brand)
        assert (await report(api, send["id"]))["sent"] == 300
        assert await messages_of(api, status="sent") == sent
        assert len(await attempts(api, single["id"])) == 1


async def test_stopping_in_the_middle_of_a_send_loses_and_repeats_nothing(
    tmp_path: Path, new_postgres_database: NewDatabase, brand: str
) -> None:
    settings = await installed(tmp_path, new_postgres_database())
    async with running_service(settings.data_dir, settings.database_url) as running:
        api = client(running, brand)
        request = {"id": await messaging_campaign(api, brand), "recipients": recipients(1000)}
        send = await ok(api, f"{MESSAGING}/PublishCampaign", request)

    async with running_service(settings.data_dir, settings.database_url, IDLE) as running:
        api = client(running, brand)
        stopped = await report(api, send["id"])
        assert (stopped["in_flight"], stopped["unknown"], stopped["failed"]) == (0, 0, 0)
        assert stopped["sent"] == len(mailed(running))
        assert stopped["sent"] + stopped["pending"] == 1000

    async with running_service(settings.data_dir, settings.database_url) as running:
        api = client(running, brand)
        assert (await finished(running, api, send["id"]))["sent_count"] == 1000
        sent = await messages_of(api, send_id=send["id"], status="sent")
        assert len(mailed(running)) == len({row["recipient"] for row in sent}) == 1000
        assert stopped["sent"] < 1000, "it was stopped in the middle"
