"""From a registered browser to what its page gets, through the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api.callers import Caller, caller
from tests.support.api.deliveries import attempts, ended, messages_of, schedule
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import ok, put_person, put_template
from tests.support.channels.browser import Browser
from tests.support.channels.http_gateway import answer, reset
from tests.support.channels.push_service import TAKEN, PushService

PUSH = "comms.PushService"
PATIENT = "5f0c6c1e-8c0e-4d52-9a43-6f1c2b7d9e10"


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
        {"message_id": accepted["id"], "title": "Hi Zoë", "body": "Hello Zoë", "url": None}
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


async def subscribed(
    client: Caller, push: PushService, brand: str, person_id: str = PATIENT
) -> tuple[Browser, str]:
    """A browser of a person, and the id of its subscription."""
    browser = Browser(push.origin)
    made = await ok(
        client, f"{PUSH}/CreatePushSubscription", browser.registration(brand, person_id)
    )
    return browser, made["id"]


def shown(**more: Any) -> dict[str, Any]:
    """A request to show something."""
    return {"patientId": PATIENT, "title": "New {{ results }}", "body": "Zoë & {% co", **more}


async def test_a_push_shows_what_was_given_in_every_browser_of_the_person(
    client: Caller, push: PushService, brand: str
) -> None:
    browsers = [await subscribed(client, push, brand) for _ in range(2)]
    other, _ = await subscribed(client, push, brand, "somebody-else")
    answer = await ok(client, f"{PUSH}/SendPush", shown(url="/results/7"))
    assert (answer["patient_id"], answer["person_id"]) == (PATIENT, PATIENT)
    assert (answer["sent"], answer["rejected"]) == (2, 0)
    assert [each["subscription_id"] for each in answer["results"]] == [
        subscription for _, subscription in reversed(browsers)
    ]
    for each, (browser, _) in zip(answer["results"], reversed(browsers), strict=True):
        assert (each["status"], each["message_status"]) == ("sent", "sent")
        assert each["vendor_message_id"] == f"{push.origin}{TAKEN}"
        said = {"title": "New {{ results }}", "body": "Zoë & {% co", "url": "/results/7"}
        assert push.read(browser) == [{"message_id": each["message_id"], **said}]
    assert push.read(other) == []
    message_id = answer["results"][0]["message_id"]
    told = await ok(client, "comms.MessageService/GetMessageTimeline", {"id": message_id})
    assert (told["template_key"], told["content"]["subject"]) == ("", "New {{ results }}")
    assert told["facts"][0]["actor"] == "tester"


async def test_a_push_says_of_each_browser_whether_it_may_still_be_shown(
    client: Caller, push: PushService, brand: str
) -> None:
    answers = {"gone": answer(410), "later": answer(429), "in doubt": answer(500)}
    names = {}
    for name in (*answers, "suppressed"):
        browser, subscription = await subscribed(client, push, brand)
        names[subscription] = name
        if name in answers:
            push.answers_for(browser, answers[name])
        else:
            held = {"channel": "push", "address": subscription, "reason": "manual", "source": "us"}
            await ok(
                client, "comms.SuppressionService/CreateSuppression", {"brand_id": brand, **held}
            )
    told = await ok(client, f"{PUSH}/SendPush", shown())
    assert (told["sent"], told["rejected"]) == (2, 2)
    assert {
        names[each["subscription_id"]]: (each["status"], each["message_status"])
        for each in told["results"]
    } == {
        "gone": ("rejected", "failed"),
        "later": ("sent", "pending"),
        "in doubt": ("sent", "unknown"),
        "suppressed": ("rejected", "skipped"),
    }
    assert {each["vendor_message_id"] for each in told["results"]} == {""}


async def test_a_push_that_is_repeated_under_its_key_is_shown_once(
    client: Caller, push: PushService, brand: str
) -> None:
    browser, _ = await subscribed(client, push, brand)
    first, again = [await client.call(f"{PUSH}/SendPush", shown(), key="k") for _ in range(2)]
    assert (again.status, again.body) == (200, first.body)
    assert len(push.read(browser)) == 1
    await ok(client, f"{PUSH}/SendPush", shown())
    assert len(push.read(browser)) == 2


async def test_a_push_goes_to_whom_the_patient_id_names_and_needs_a_browser(
    client: Caller, push: PushService, brand: str
) -> None:
    await put_person(client, brand, "ana", attributes={"patient_id": PATIENT})
    nowhere = await client.call(f"{PUSH}/SendPush", shown())
    assert (nowhere.status, nowhere.error) == (404, "push_subscription_not_found")
    browser, _ = await subscribed(client, push, brand, "ana")
    told = await ok(client, f"{PUSH}/SendPush", shown())
    assert (told["patient_id"], told["person_id"]) == (PATIENT, "ana")
    assert len(push.read(browser)) == 1
    for bad in ({"patientId": "ana"}, {"url": " JavaScript:alert(1)"}, {"title": ""}):
        refused = await client.call(f"{PUSH}/SendPush", shown(**bad))
        assert (refused.status, refused.error) == (422, "validation_failed")


async def test_a_hostile_push_service_does_not_hold_up_the_others(
    client: Caller, push: PushService, brand: str
) -> None:
    for behaviour in (*[answer(500)] * 3, *[reset] * 4, answer(429, retry_after="3600")):
        hostile, _ = await subscribed(client, push, brand, "mallory")
        push.answers_for(hostile, behaviour)
    browser, _ = await subscribed(client, push, brand)
    mallory = str(uuid4())
    await put_person(client, brand, "mallory", attributes={"patient_id": mallory})
    bad = await ok(client, f"{PUSH}/SendPush", shown(patientId=mallory))
    assert {each["message_status"] for each in bad["results"]} == {"unknown", "pending"}
    told = await ok(client, f"{PUSH}/SendPush", shown())
    assert [each["message_status"] for each in told["results"]] == ["sent"]
    assert len(push.read(browser)) == 1


async def test_a_message_to_a_person_goes_to_each_of_their_browsers(
    client: Caller, push: PushService, brand: str
) -> None:
    older, _ = await subscribed(client, push, brand, "ana")
    newest, subscription = await subscribed(client, push, brand, "ana")
    other, _ = await subscribed(client, push, brand, "bob")
    to_ana = {"channel": "push", "person_id": "ana", "recipient": "ana"}
    accepted = await schedule(client, brand, **to_ana)
    end = await ended(client, accepted["id"])
    assert (end["status"], end["recipient"]) == ("sent", subscription)
    rows = await messages_of(client, person_id="ana")
    for row in rows:
        await ended(client, row["id"])
    assert len(rows) == 2
    assert push.read(newest) == [
        {"message_id": accepted["id"], "title": "Hi", "body": "Hello you", "url": None}
    ]
    assert len(push.read(older)) == 1
    assert push.read(other) == []
    again = await schedule(client, brand, **to_ana)
    assert again["id"] == accepted["id"]
    sent = {"dedup_key": "key-2", "template_key": "welcome", "brand_id": brand, **to_ana}
    told = await ok(client, "comms.MessageService/SendMessage", sent)
    assert told["status"] == "sent"
    batch = [{name: sent[name] for name in sent if name != "brand_id"} | {"dedup_key": "key-3"}]
    told = await ok(
        client,
        "comms.MessageService/BatchScheduleMessages",
        {"brand_id": brand, "messages": batch},
    )
    await ended(client, told["outcomes"][0]["message"]["id"])
    for row in await messages_of(client, person_id="ana"):
        assert (await ended(client, row["id"]))["status"] == "sent"
    assert (len(push.read(newest)), len(push.read(older))) == (3, 3)
    nobody = await schedule(client, brand, channel="push", person_id="cyd", recipient="cyd",
                            dedup_key="key-4")  # fmt: skip
    end = await ended(client, nobody["id"])
    assert (end["status"], end["failure_reason"]) == ("skipped", "no_address")
