"""Scheduling many messages at once: one transaction, an outcome each."""

from __future__ import annotations

from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, ended, message, messages_of, one_off, schedule
from tests.support.api.running import Running
from tests.support.api.scenes import FAR, instant, ok, put_person, put_template

NAME = f"{MESSAGES}/BatchScheduleMessages"


def item(number: int, **more: Any) -> dict[str, Any]:
    """A message of a batch."""
    base = {
        "channel": "email",
        "template_key": "welcome",
        "recipient": f"p{number}@example.com",
        "person_id": f"p{number}",
        "dedup_key": f"key-{number}",
        "scheduled_at": instant(FAR),
    }
    return {key: value for key, value in (base | more).items() if value is not None}


async def batch(api: Caller, brand: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """The outcomes of a batch."""
    body = await ok(api, NAME, {"brand_id": brand, "messages": list(items)})
    found: list[dict[str, Any]] = body["outcomes"]
    return found


async def test_a_thousand_are_accepted_in_order(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    outcomes = await batch(idle_api, brand, *map(item, range(1000)))
    assert [each["dedup_key"] for each in outcomes] == [f"key-{number}" for number in range(1000)]
    assert {each["result"] for each in outcomes} == {"accepted"}
    assert all(each["error"] is None for each in outcomes)
    assert await message(idle_api, outcomes[-1]["message"]["id"]) == outcomes[-1]["message"]
    assert len(await messages_of(idle_api)) == 1000
    again = await batch(idle_api, brand, *map(item, range(1000)))
    # `scheduled_at` is another one each time.
    assert {each["error"]["error"] for each in again} == {"dedup_key_reused"}


async def test_each_has_an_outcome_of_its_own(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    await put_person(idle_api, brand, "cy", phone="", email="")
    first = await schedule(idle_api, brand, dedup_key="there")
    outcomes = await batch(
        idle_api,
        brand,
        item(0),
        item(1, template_key="nowhere"),
        item(2, recipient="no address"),
        item(3, scheduled_at="2020-01-01T00:00:00Z"),
        item(4, dedup_key="there"),
        item(5, dedup_key="there", person_id="ann", recipient="ann@example.com", scheduled_at=None),
        item(6, recipient=None),
        item(7, recipient=None, person_id="cy"),
        item(8, person_id=".."),
        item(9),
        item(9),
        item(9, recipient="other@example.com"),
    )
    assert [(each["result"], each["error"] and each["error"]["error"]) for each in outcomes] == [
        ("accepted", None),
        ("refused", "validation_failed"),
        ("refused", "validation_failed"),
        ("refused", "validation_failed"),
        ("refused", "dedup_key_reused"),
        ("known", None),
        ("refused", "validation_failed"),
        ("refused", "validation_failed"),
        ("refused", "validation_failed"),
        ("accepted", None),
        ("refused", "dedup_key_reused"),
        ("refused", "dedup_key_reused"),
    ]
    fields = [
        [field["field"] for field in each["error"]["details"].get("fields", [])]
        for each in outcomes
        if each["error"]
    ]
    assert fields == [
        ["template_key"], ["recipient"], ["scheduled_at"], [], ["recipient"], ["recipient"],
        ["person_id"], [], [],
    ]  # fmt: skip
    assert outcomes[4]["error"]["details"] == {"message_id": first["id"]}
    assert outcomes[5]["message"] == first
    assert [each["message"] for each in outcomes if each["error"]] == [None] * 9
    assert len(await messages_of(idle_api)) == 3


async def test_without_a_time_it_goes_out_now_and_without_an_address_to_the_persons_own(
    api: Caller, brand: str
) -> None:
    for channel in ("email", "sms", "push", "in_app"):
        await put_template(api, brand, channel)
    await put_person(api, brand, "ann")
    outcomes = await batch(
        api,
        brand,
        *(
            item(number, channel=channel, person_id="ann", recipient=None, scheduled_at=None)
            for number, channel in enumerate(("email", "sms", "push", "in_app"))
        ),
    )
    sent = [await ended(api, each["message"]["id"]) for each in outcomes]
    assert [(each["recipient"], each["status"]) for each in sent] == [
        ("ann@example.com", "sent"),
        ("+12025550100", "sent"),
        ("device-ann", "sent"),
        ("ann", "sent"),
    ]


async def test_the_same_batch_again_finds_its_messages_also_after_an_address_changed(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    await put_person(idle_api, brand, "ann")
    items = [
        item(0, person_id="ann", recipient=None, scheduled_at=None),
        item(1, scheduled_at="2030-01-01T12:00:00Z"),
    ]
    first = await batch(idle_api, brand, *items)
    await put_person(idle_api, brand, "ann", email="new@example.com")
    again = await batch(idle_api, brand, *items)
    assert [each["result"] for each in again] == ["known", "known"]
    assert [each["message"] for each in again] == [each["message"] for each in first]
    assert first[0]["message"]["recipient"] == "ann@example.com"


async def test_a_broken_rule_refuses_the_whole_batch_by_its_places(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    answer = await idle_api.call(
        NAME,
        {
            "brand_id": brand,
            "messages": [item(0), item(1, dedup_key=""), item(2, template_key="no key")],
        },
    )
    assert (answer.status, answer.error, answer.fields) == (
        422,
        "validation_failed",
        {"messages[1].dedup_key", "messages[2].template_key"},
    )
    for count in (0, 1001):
        request = {"brand_id": brand, "messages": [item(number) for number in range(count)]}
        answer = await idle_api.call(NAME, request)
        assert (answer.status, answer.fields) == (422, {"messages"})
    assert await messages_of(idle_api) == []


async def test_a_brand_of_others_does_not_exist(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    request = {"brand_id": brand, "messages": [item(0)]}
    answer = await idle_api.call(NAME, request, token=idle.token(f"other-{brand}"))
    assert (answer.status, answer.error) == (404, "brand_not_found")


async def test_under_its_idempotency_key_a_batch_is_answered_the_same(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    request = {"brand_id": brand, "messages": [item(0), item(1, template_key="nowhere")]}
    first, again = [await idle_api.call(NAME, request, key="once") for _ in range(2)]
    assert (again.status, again.body) == (first.status, first.body)
    assert len(await messages_of(idle_api)) == 1


async def test_one_offs_and_batches_share_their_keys(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    (made,) = await batch(idle_api, brand, item(0, person_id="ann", recipient="ann@example.com"))
    answer = await idle_api.call(
        f"{MESSAGES}/ScheduleMessage",
        one_off(brand, dedup_key="key-0", scheduled_at=made["message"]["scheduled_at"]),
    )
    assert (answer.status, answer.body) == (201, made["message"])
