"""What was accepted before its address was suppressed: the look just before it would go out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from server.app import Part
from server.channels.provider import Delivery, Envelope, Outcome
from server.config import Settings
from server.database import migrate_database
from server.dispatch.delivery.inbox_worker import InboxWorker
from server.dispatch.delivery.provider_workers import ProviderWorkers
from server.dispatch.delivery.renderer import Renderer
from server.dispatch.delivery.restore_guard import RestoreGuard
from server.dispatch.metrics import NoopMetrics
from server.domain.delivery.retry import ErrorClass
from server.identity.key_store import signing_keys
from tests.api.conftest import NewDatabase
from tests.support.api.callers import GrpcCaller
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import COMMS, comms_campaign, instant, ok, put_template
from tests.support.api.suppressing import suppress
from tests.support.dispatch.workers import ChannelWorkers

REASONS = ("unsubscribe", "manual", "hard_bounce", "complaint")


class Accepting:
    """A provider that takes everything."""

    name = "accepting"
    max_concurrency = 100
    timeout = 5.0
    key_window = timedelta(0)

    def __init__(self) -> None:
        self.called_for: list[str] = []
        self.accepts = True

    async def start(self) -> None:
        """Nothing to do."""

    async def deliver(self, envelope: Envelope) -> Delivery:
        self.called_for.append(envelope.person_id)
        if self.accepts:
            return Delivery(Outcome.ACCEPTED)
        return Delivery(Outcome.REJECTED, "busy", ErrorClass.DEFERRED, retry_after=0)

    async def close(self) -> None:
        """Nothing to do."""


class Ahead:
    """A clock that a test can put forward."""

    def __init__(self) -> None:
        # The service may go by the clock of its database, which is ahead at times.
        self.by = timedelta(seconds=1)

    def now(self) -> datetime:
        """The machine's instant, and more."""
        return datetime.now(UTC) + self.by


class Waiting:
    """A service whose messages wait for a worker that the test runs."""

    def __init__(self, running: Running, brand: str) -> None:
        assert running.service.storage is not None
        self.api = GrpcCaller(running.channel, running.token(brand))
        self.brand = brand
        self.provider = Accepting()
        self.clock = Ahead()
        self._directory = running.settings.data_dir
        self._storage = running.service.storage
        self._renderer = Renderer(self._storage, running.service.keys.links.link)

    async def deliver(self, channel: str = "email") -> None:
        """All that is due."""
        if channel == "in_app":
            await InboxWorker(self._storage, self.clock, self._renderer, NoopMetrics()).run_once()
            return
        guard = RestoreGuard(self._storage, self.clock, self._directory, NoopMetrics())
        await guard.start()
        workers = ChannelWorkers(
            ProviderWorkers(
                channel=channel,
                provider=self.provider,
                rate=0,
                storage=self._storage,
                clock=self.clock,
                renderer=self._renderer,
                guard=guard,
                random=Random(0),  # noqa: S311
                metrics=NoopMetrics(),
            )
        )
        await workers.run_once()
        await workers.drain()
        guard.close()

    async def fates(self) -> dict[str, tuple[str, str | None]]:
        """Status and reason of each message, by person."""
        messages = (
            await ok(self.api, "comms.MessageService/ListMessages", {"brand_id": self.brand})
        )["data"]
        return {each["person_id"]: (each["status"], each["failure_reason"]) for each in messages}

    async def schedule(self, person_id: str, channel: str = "email") -> None:
        """A one-off that is due."""
        recipient = person_id if channel == "in_app" else f"{person_id.upper()}@example.com"
        request = {
            "brand_id": self.brand,
            "channel": channel,
            "template_key": "welcome",
            "recipient": recipient,
        }
        more = {"person_id": person_id, "dedup_key": person_id, "scheduled_at": instant()}
        await ok(self.api, "comms.MessageService/ScheduleMessage", request | more)


@asynccontextmanager
async def running_api(directory: Path, url: str = "") -> AsyncIterator[Running]:
    """The service with neither dispatcher nor gateway."""
    await migrate_database(Settings(data_dir=directory, database_url=url))
    signing_keys(Settings(data_dir=directory), may_create=True)
    async with running_service(directory, url, parts=frozenset({Part.API})) as running:
        yield running


@pytest.fixture(scope="module")
async def api_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_api(tmp_path_factory.mktemp("waiting")) as running:
        yield running


@pytest.fixture(scope="module")
async def api_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_database: NewDatabase
) -> AsyncIterator[Running]:
    url = new_postgres_database()
    async with running_api(tmp_path_factory.mktemp("waiting"), url) as running:
        yield running


@pytest.fixture
def waiting(request: pytest.FixtureRequest, database: str, brand: str) -> Waiting:
    return Waiting(request.getfixturevalue(f"api_on_{database}"), brand)


async def test_a_campaigns_message_is_skipped_whatever_the_reason(waiting: Waiting) -> None:
    campaign_id = await comms_campaign(waiting.api, waiting.brand)
    people = [*REASONS, "nobody"]
    recipients = [
        {"person_id": name, "recipient": f"{name.upper()}@example.com"} for name in people
    ]
    send = (
        await ok(
            waiting.api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients}
        )
    )["send"]
    for reason in REASONS:
        await suppress(waiting.api, waiting.brand, f"{reason}@example.com", reason)
    await waiting.deliver()
    assert await waiting.fates() == dict.fromkeys(REASONS, ("skipped", "suppressed")) | {
        "nobody": ("sent", None)
    }
    assert waiting.provider.called_for == ["nobody"]
    found = await ok(waiting.api, "messaging.SendService/GetSend", {"id": send["id"]})
    assert (found["status"], found["skipped_count"], found["sent_count"]) == ("completed", 4, 1)


async def test_a_one_off_goes_to_the_unsubscribed_and_to_no_other_suppressed_address(
    waiting: Waiting,
) -> None:
    await put_template(waiting.api, waiting.brand, body="Your receipt")
    for name in (*REASONS, "nobody"):
        await waiting.schedule(name)
    for reason in REASONS:
        await suppress(waiting.api, waiting.brand, f"{reason}@example.com", reason)
    await waiting.deliver()
    held = dict.fromkeys(REASONS, ("skipped", "suppressed"))
    assert await waiting.fates() == held | {"nobody": ("sent", None), "unsubscribe": ("sent", None)}
    assert sorted(waiting.provider.called_for) == ["nobody", "unsubscribe"]


async def test_in_app_messages_are_held_back_too(waiting: Waiting) -> None:
    await put_template(waiting.api, waiting.brand, "in_app", body="Your receipt")
    await waiting.schedule("ann", "in_app")
    await waiting.schedule("bob", "in_app")
    await suppress(waiting.api, waiting.brand, "ann", "manual", channel="in_app")
    await waiting.deliver("in_app")
    assert await waiting.fates() == {"ann": ("skipped", "suppressed"), "bob": ("sent", None)}
    assert (
        await ok(
            waiting.api,
            "comms.InboxService/ListInboxItems",
            {"brand_id": waiting.brand, "person_id": "ann"},
        )
    )["data"] == []


async def test_other_channels_and_brands_do_not_count_and_one_taken_back_does_not(
    waiting: Waiting,
) -> None:
    await put_template(waiting.api, waiting.brand, body="Your receipt")
    await waiting.schedule("ann")
    await suppress(waiting.api, waiting.brand, "ann@example.com", "manual", channel="push")
    made = (await suppress(waiting.api, waiting.brand, "ann@example.com", "manual")).body
    await ok(waiting.api, "comms.SuppressionService/LiftSuppression", {"id": made["id"]})
    await waiting.deliver()
    assert await waiting.fates() == {"ann": ("sent", None)}


async def test_a_retry_looks_again(waiting: Waiting) -> None:
    await put_template(waiting.api, waiting.brand, body="Your receipt")
    await waiting.schedule("ann")
    waiting.provider.accepts = False
    await waiting.deliver()
    assert (await waiting.fates())["ann"][0] == "pending"
    await suppress(waiting.api, waiting.brand, "ann@example.com", "hard_bounce")
    waiting.clock.by = timedelta(hours=1)
    await waiting.deliver()
    assert await waiting.fates() == {"ann": ("skipped", "suppressed")}
    assert waiting.provider.called_for == ["ann"]
