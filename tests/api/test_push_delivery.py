"""From a registered browser to what its page gets, through the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.api.callers import Caller, caller
from tests.support.api.deliveries import attempts, ended, schedule
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import ok, put_template
from tests.support.channels.browser import Browser
from tests.support.channels.http_gateway import answer
from tests.support.channels.push_service import TAKEN, PushService

PUSH = "comms.PushService"


@pytest.fixture
async def push(tmp_path: Path) -> AsyncIterator[PushService]:
    service = PushService(tmp_path)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def pushing(tmp_path: Path, push: PushService) -> AsyncIterator[Running]:
    """A service that finds every push service on loopback."""
    async with running_service(tmp_path / "data", web_push=push.options()) as running:
        yield running


@pytest.fixture
async def client(pushing: Running, push: PushService, transport: str, brand: str) -> Caller:
    api = caller(transport, pushing, brand)
    push.key = (await ok(api, f"{PUSH}/GetPushKey", {}))["public_key"]
    await put_template(api, brand, "push", subject="Hi {{ name }}")
    return api


async def test_a_message_to_a_subscription_is_read_by_its_browser(
    client: Caller, push: PushService, brand: str
) -> None:
    browser = Browser(push.origin)
    registered = await ok(client, f"{PUSH}/CreatePushSubscription", browser.registration(brand))
    accepted = await schedule(
        client,
        brand,
        channel="push",
        recipient=registered["id"],
        variables={"name": "Zoë"},
    )
    assert (await ended(client, accepted["id"]))["status"] == "sent"
    assert push.read(browser) == [
        {"message_id": accepted["id"], "title": "Hi Zoë", "body": "Hello Zoë"}
    ]
    (attempt,) = await attempts(client, accepted["id"])
    assert (attempt["provider"], attempt["provider_message_id"]) == (
        "push",
        f"{push.origin}{TAKEN}",
    )


async def test_a_browser_that_is_gone_is_not_written_to_again(
    client: Caller, push: PushService, brand: str
) -> None:
    browser = Browser(push.origin)
    registered = await ok(client, f"{PUSH}/CreatePushSubscription", browser.registration(brand))
    push.answers(answer(410))
    reasons = []
    for _ in range(2):
        to_it = {"channel": "push", "recipient": registered["id"], "dedup_key": uuid4().hex}
        accepted = await schedule(client, brand, **to_it)
        end = await ended(client, accepted["id"])
        assert end["status"] == "failed"
        reasons.append(end["failure_reason"])
    assert reasons == ["http_410", "push_subscription_ended"]
    gone = await client.call(f"{PUSH}/DeletePushSubscription", {"id": registered["id"]})
    assert (gone.status, gone.error) == (404, "push_subscription_not_found")
    body = await ok(
        client,
        "ops.AuditService/ListAuditEntries",
        {"subject_id": registered["id"], "brand_id": brand},
    )
    (newest, *_) = body["audit_entries"]
    assert (newest["action"], newest["actor"], newest["details"]) == (
        "push_subscription_ended",
        "carillon",
        {"reason": "http_410"},
    )
