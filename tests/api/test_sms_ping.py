"""The SMS canary: a message like any other, and what became of it."""

from __future__ import annotations

from pathlib import Path

from tests.api.test_timeline import kinds, timeline
from tests.support.api.callers import Caller, caller
from tests.support.api.deliveries import MESSAGES, messages_of
from tests.support.api.running import CANARY_NUMBER, running_service
from tests.support.api.scenes import TEMPLATES, ok, put_template, template_id
from tests.support.api.suppressing import suppress
from tests.support.api.untouched import SLA

PING = f"{SLA}/PingSms"


async def test_a_canary_is_delivered_and_is_a_message_of_the_brand(api: Caller, brand: str) -> None:
    first = await ok(api, PING, {})
    assert first["delivered"] is True
    assert 0 <= first["latency_ms"] <= 30_000
    second = await ok(api, PING, {"brand_id": brand})
    messages = {each["id"]: each for each in await messages_of(api)}
    assert messages.keys() == {first["message_id"], second["message_id"]}
    message = messages[first["message_id"]]
    assert (message["recipient"], message["channel"]) == (CANARY_NUMBER, "sms")
    assert (message["status"], message["template_key"]) == ("sent", "sms-canary")
    found = await timeline(api, message["id"])
    assert kinds(found)[-1] == "resolved"
    (template,) = (await ok(api, f"{TEMPLATES}/ListTemplates", {"brand_id": brand}))["items"]
    assert (template["key"], template["category"]) == ("sms-canary", None)


async def test_what_it_says_may_be_changed_and_an_archived_one_is_not_sent(
    api: Caller, brand: str
) -> None:
    await put_template(api, brand, "sms", "sms-canary", body="Ping")
    ping = await ok(api, PING, {})
    assert (await timeline(api, ping["message_id"]))["content"]["body"] == "Ping"
    archive = {"id": await template_id(api, brand, "sms", "sms-canary")}
    await ok(api, f"{TEMPLATES}/ArchiveTemplate", archive)
    answer = await api.call(PING, {})
    assert (answer.status, answer.error) == (422, "template_unusable")


async def test_without_a_number_it_is_a_412(tmp_path: Path, brand: str) -> None:
    async with running_service(tmp_path, sms_canary_number="") as running:
        for transport in ("grpc", "rest"):
            answer = await caller(transport, running, brand).call(PING, {})
            assert (answer.status, answer.error) == (412, "no_canary_number")


async def test_one_that_may_not_be_sent_is_refused_and_leaves_nothing(
    idle_api: Caller, brand: str
) -> None:
    await suppress(idle_api, brand, CANARY_NUMBER, "manual", "sms")
    answer = await idle_api.call(PING, {})
    assert (answer.status, answer.error) == (422, "suppressed")
    assert await messages_of(idle_api) == []
    assert (await ok(idle_api, f"{TEMPLATES}/ListTemplates", {"brand_id": brand}))["items"] == []


async def test_one_that_no_dispatcher_takes_is_not_delivered(idle_api: Caller) -> None:
    ping = await ok(idle_api, PING, {})
    assert ping["delivered"] is False
    message = await ok(idle_api, f"{MESSAGES}/GetScheduledMessage", {"id": ping["message_id"]})
    assert message["status"] == "pending"
