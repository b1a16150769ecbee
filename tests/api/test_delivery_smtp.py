"""Email through a real mail server: what it refuses, holds or is not there for, and what a cancel
stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from server.dispatch.delivery.concurrency import MOST_AHEAD
from server.dispatch.delivery.reserve import marketing_share
from storage.model.messages import Message
from tests.api.conftest import NewDatabase
from tests.support.api.callers import Caller, caller
from tests.support.api.deliveries import (
    MESSAGES,
    SENDS,
    attempts,
    ended,
    message,
    messages_of,
    report,
    schedule,
)
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    campaign,
    comms_campaign,
    messaging_campaign,
    ok,
    put_template,
    recipients,
    until,
)
from tests.support.channels.mail_server import MailServer

MAX_CONCURRENCY = 15
"""Transactions of sends that the service has with one mail server at once: of twenty, five are kept
for one-offs."""
RECIPIENTS = 200
MOST_IN_PROGRESS = marketing_share(20 * (1 + MOST_AHEAD))
"""Messages of sends that are marked at once."""


class CountingServer(MailServer):
    """Counts the transactions that were begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.began = asyncio.Event()

    def next_reply(self, command: str) -> str | None:
        if command == "MAIL":
            self.begun += 1
            self.began.set()
        return super().next_reply(command)

    async def beginning(self, count: int) -> None:
        """Returns once so many transactions were begun."""
        while self.begun < count:
            self.began.clear()
            await self.began.wait()

    async def holding(self, count: int) -> None:
        """Returns once so many transactions wait for the answer to their body."""
        while self.busy < count:
            self.hanging.clear()
            await self.hanging.wait()


@dataclass
class Post:
    """A service whose email goes to a mail server."""

    running: Running
    server: CountingServer

    async def stored(self, message_id: str) -> Message:
        """The message with what the API does not show."""
        assert self.running.service.storage is not None
        found = await self.running.service.storage.read(lambda tx: tx.messages.find(message_id))
        assert found is not None
        return found


@asynccontextmanager
async def running_post(data_dir: Path, database_url: str = "") -> AsyncIterator[Post]:
    server = CountingServer()
    await server.start()
    async with running_service(
        data_dir, database_url, smtp_url=f"smtp://127.0.0.1:{server.port}"
    ) as running:
        yield Post(running, server)
        server.release.set()
    await server.stop()


@pytest.fixture(scope="module")
async def post_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Post]:
    async with running_post(tmp_path_factory.mktemp("smtp")) as post:
        yield post


@pytest.fixture(scope="module")
async def post_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_database: NewDatabase
) -> AsyncIterator[Post]:
    async with running_post(tmp_path_factory.mktemp("smtp"), new_postgres_database()) as post:
        yield post


@pytest.fixture
def post(request: pytest.FixtureRequest, database: str) -> Post:
    service: Post = request.getfixturevalue(f"post_on_{database}")
    server = service.server
    server.release.set()
    server.script.clear()
    server.received.clear()
    server.recipients.clear()
    server.begun = 0
    return service


@pytest.fixture
def api(transport: str, post: Post, brand: str) -> Caller:
    return caller(transport, post.running, brand)


async def test_email_reaches_the_server_once(post: Post, api: Caller, brand: str) -> None:
    await put_template(api, brand, subject="Hi", body="Hello {{ name }}")
    accepted = await schedule(api, brand, variables={"name": "Ann"})
    assert (await ended(api, accepted["id"]))["status"] == "sent"
    assert post.server.recipients == ["ann@example.com"]
    assert b"\r\nSubject: Hi\r\n" in post.server.received[0]
    assert b"Hello Ann" in post.server.received[0]
    (attempt,) = await attempts(api, accepted["id"])
    assert (attempt["provider"], attempt["outcome"], attempt["provider_message_id"]) == (
        "smtp",
        "accepted",
        "4XyZ12",
    )


@pytest.mark.parametrize("command", ["RCPT", "BODY"])
async def test_refusal_for_good_fails_the_message_with_the_reason(
    post: Post, api: Caller, brand: str, command: str
) -> None:
    await put_template(api, brand)
    post.server.script[command] = ["550 5.1.1 no such user"]
    accepted = await schedule(api, brand)
    failed = await ended(api, accepted["id"])
    assert (failed["status"], failed["failure_reason"], failed["sent_at"]) == (
        "failed",
        "smtp_550",
        None,
    )
    (attempt,) = await attempts(api, accepted["id"])
    assert (attempt["outcome"], attempt["reason"]) == ("rejected", "smtp_550")


async def test_lost_answer_leaves_the_outcome_unknown_and_is_not_sent_again(
    post: Post, api: Caller, brand: str
) -> None:
    await put_template(api, brand)
    post.server.script["BODY"] = ["drop"]
    accepted = await schedule(api, brand)
    assert (await ended(api, accepted["id"]))["status"] == "unknown"
    (attempt,) = await attempts(api, accepted["id"])
    assert attempt["outcome"] == "ambiguous"
    assert post.server.begun == 1


async def waiting_for_its_next_try(api: Caller, message_id: str) -> dict[str, Any]:
    while not await attempts(api, message_id):
        pass
    return await message(api, message_id)


async def test_refusal_for_now_is_tried_again_later(post: Post, api: Caller, brand: str) -> None:
    await put_template(api, brand)
    post.server.script["RCPT"] = ["451 4.3.0 try later"]
    accepted = await schedule(api, brand)
    waiting = await waiting_for_its_next_try(api, accepted["id"])
    assert (waiting["status"], waiting["scheduled_at"]) == ("pending", accepted["scheduled_at"])
    (attempt,) = await attempts(api, accepted["id"])
    assert (attempt["outcome"], attempt["reason"]) == ("rejected", "smtp_451")
    assert post.server.received == []
    await ok(api, f"{MESSAGES}/CancelMessage", {"id": accepted["id"]})


async def test_server_that_is_down_is_tried_again_later(
    post: Post, api: Caller, brand: str
) -> None:
    await put_template(api, brand)
    await post.server.stop()
    try:
        accepted = await schedule(api, brand)
        assert (await waiting_for_its_next_try(api, accepted["id"]))["status"] == "pending"
    finally:
        await post.server.start()
    (attempt,) = await attempts(api, accepted["id"])
    assert attempt["outcome"] == "rejected"
    kept = await post.stored(accepted["id"])
    assert kept.attempts == 1
    assert kept.due_at > datetime.fromisoformat(attempt["finished_at"])
    # It has not started, so it can still be taken back.
    assert (await ok(api, f"{MESSAGES}/CancelMessage", {"id": accepted["id"]}))[
        "status"
    ] == "cancelled"


async def test_message_that_is_with_the_server_cannot_be_cancelled(
    post: Post, api: Caller, brand: str
) -> None:
    await put_template(api, brand)
    post.server.release.clear()
    accepted = await schedule(api, brand)
    await post.server.holding(1)
    answer = await api.call(f"{MESSAGES}/CancelMessage", {"id": accepted["id"]})
    assert (answer.status, answer.error, answer.body["details"]) == (
        409,
        "message_state",
        {"status": "sending"},
    )
    post.server.release.set()
    assert (await ended(api, accepted["id"]))["status"] == "sent"


async def send_through(api: Caller, brand: str, face: str) -> tuple[str, str]:
    """Ids of a campaign and its send, to more recipients than are called at once."""
    make: Callable[[Caller, str], Awaitable[str]] = (
        comms_campaign if face == COMMS else messaging_campaign
    )
    campaign_id = await make(api, brand)
    verb = "SendCampaign" if face == COMMS else "PublishCampaign"
    body = await ok(
        api, f"{face}/{verb}", {"id": campaign_id, "recipients": recipients(RECIPIENTS)}
    )
    return campaign_id, (body["send"] if face == COMMS else body)["id"]


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_cancel_lets_what_is_with_the_server_finish_and_starts_nothing_new(
    post: Post, api: Caller, brand: str, face: str
) -> None:
    post.server.release.clear()
    campaign_id, send_id = await send_through(api, brand, face)
    await post.server.holding(MAX_CONCURRENCY)
    cancelled = await ok(api, f"{face}/CancelCampaign", {"id": campaign_id})
    begun = post.server.begun
    held = await report(api, send_id)
    # Those that were marked and wait for their turn have a second to get it.
    assert MAX_CONCURRENCY == begun <= held["in_flight"] <= MOST_IN_PROGRESS
    assert (held["status"], held["pending"]) == ("cancelled", 0)
    assert held["in_flight"] + held["cancelled"] == RECIPIENTS
    post.server.release.set()

    async def look() -> dict[str, Any]:
        send = await ok(api, f"{SENDS}/GetSend", {"id": send_id})
        return {**send, "over": send["completed_at"] is not None}

    send = await until(post.running, look, "over", True)
    assert (send["status"], send["total_recipients"], send["sent_count"], send["failed_count"],
        send["skipped_count"]) == (
        "cancelled", RECIPIENTS, begun, 0, RECIPIENTS - begun
    )  # fmt: skip
    assert post.server.begun == len(post.server.received) == begun
    assert (await report(api, send_id))["sent"] == begun
    ended_so = await messages_of(api, send_id=send_id, status="cancelled")
    assert len(ended_so) == RECIPIENTS - begun
    after = await campaign(api, face, campaign_id)
    assert (after["status"], after["cancelled_at"], after["sent_at"]) == (
        "cancelled",
        (cancelled.get("campaign") or cancelled)["cancelled_at"],
        None,
    )


@pytest.mark.parametrize("begun", [0, 1, 4, 8, 17, 30])
async def test_cancel_at_any_moment_leaves_nothing_to_start(
    post: Post, brand: str, begun: int
) -> None:
    api = caller("grpc", post.running, brand)
    campaign_id, send_id = await send_through(api, brand, MESSAGING)
    await post.server.beginning(begun)
    await ok(api, f"{MESSAGING}/CancelCampaign", {"id": campaign_id})
    found = await report(api, send_id)
    assert found["pending"] == 0
    started = found["in_flight"] + found["sent"]
    while (found := await report(api, send_id))["in_flight"]:
        pass
    assert (found["sent"], found["cancelled"]) == (started, RECIPIENTS - started)
    assert post.server.begun == len(post.server.received) == started
