"""Push subscriptions through the API: what is kept of a browser, whose it is, and how it ends."""

from __future__ import annotations

from typing import Any

from server.domain.contacts.push_subscriptions import decode
from storage.model.push_subscriptions import PushSubscription
from tests.support.api.callers import Caller, caller
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_person
from tests.support.channels.browser import Browser

PUSH = "comms.PushService"


async def stored(running: Running, subscription_id: str) -> PushSubscription | None:
    assert running.service.storage is not None
    return await running.service.storage.read(
        lambda tx: tx.push_subscriptions.find(subscription_id)
    )


async def register(api: Caller, request: dict[str, Any]) -> dict[str, Any]:
    return await ok(api, f"{PUSH}/CreatePushSubscription", request)


async def test_a_browser_is_registered_and_its_keys_are_not_told(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    request = Browser().registration(brand)
    answer = await idle_api.call(f"{PUSH}/CreatePushSubscription", request)
    assert answer.status == 201
    made = answer.body
    assert {name: made[name] for name in ("brand_id", "person_id", "endpoint")} == {
        name: request[name] for name in ("brand_id", "person_id", "endpoint")
    }
    assert request["p256dh"] not in str(made)
    assert request["auth"] not in str(made)
    kept = await stored(idle, made["id"])
    assert kept is not None
    assert (kept.p256dh, kept.auth, kept.user_agent) == (
        request["p256dh"],
        request["auth"],
        "Mozilla/5.0",
    )


async def test_the_same_endpoint_replaces_what_was_registered(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    browser, again = Browser(), Browser()
    again.endpoint = browser.endpoint
    first = await register(idle_api, browser.registration(brand))
    second = await register(idle_api, again.registration(brand))
    assert second == first
    kept = await stored(idle, first["id"])
    assert kept is not None
    assert kept.p256dh == again.registration(brand)["p256dh"]
    of_another = await register(idle_api, again.registration(brand, "bob"))
    assert of_another["id"] != first["id"]
    assert await stored(idle, first["id"]) is None


async def test_bad_fields_are_named_at_once_and_not_repeated(idle_api: Caller, brand: str) -> None:
    request = Browser().registration(brand) | {
        "endpoint": "https://10.0.0.1/secret-path",
        "p256dh": "AAAA",
        "auth": "QUJDRA",
    }
    answer = await idle_api.call(f"{PUSH}/CreatePushSubscription", request)
    assert (answer.status, answer.error) == (422, "validation_failed")
    assert answer.fields == {"endpoint", "p256dh", "auth"}
    assert not any(said in str(answer.body) for said in ("secret-path", "AAAA", "QUJDRA"))


async def test_one_that_is_deleted_is_gone_and_one_of_another_brand_is_not_there(
    idle: Running, idle_api: Caller, brand: str, transport: str
) -> None:
    made = await register(idle_api, Browser().registration(brand))
    stranger = caller(transport, idle, f"{brand}-other")
    for api, status in ((stranger, 404), (idle_api, 200), (idle_api, 404)):
        answer = await api.call(f"{PUSH}/DeletePushSubscription", {"id": made["id"]})
        assert answer.status == status
        if status == 404:
            assert answer.error == "push_subscription_not_found"
    assert await stored(idle, made["id"]) is None


async def test_a_person_who_is_deleted_has_no_browser_any_more(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put_person(idle_api, brand, "ana")
    made = await register(idle_api, Browser().registration(brand))
    await ok(idle_api, "messaging.PersonService/DeletePerson", {"person_id": "ana"})
    assert await stored(idle, made["id"]) is None


async def test_the_key_is_a_point_that_stays_the_same(idle_api: Caller) -> None:
    keys = [(await ok(idle_api, f"{PUSH}/GetPushKey", {}))["public_key"] for _ in range(2)]
    assert keys[0] == keys[1]
    point = decode(keys[0])
    assert (len(point), point[0]) == (65, 4)
