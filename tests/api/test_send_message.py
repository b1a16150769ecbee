"""Sending at once: what the answer says, and what is refused."""

from __future__ import annotations

from typing import Any

from tests.support.api.callers import Caller, GrpcCaller
from tests.support.api.deliveries import MESSAGES, message, messages_of, one_off, schedule
from tests.support.api.operating import Operated
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_template
from tests.support.api.suppressing import suppress
from tests.support.dispatch.scripted import AMBIGUOUS, BUSY, REFUSED

NAME = f"{MESSAGES}/SendMessage"


def to_send(brand: str, **more: Any) -> dict[str, Any]:
    """A good request for a message to send at once."""
    request = one_off(brand, **more)
    del request["scheduled_at"]
    return request


async def test_what_is_sent_is_answered_as_sent_with_its_provider(api: Caller, brand: str) -> None:
    await put_template(api, brand)
    answer = await api.call(NAME, to_send(brand))
    (sent,) = await messages_of(api)
    assert (answer.status, answer.body) == (
        200,
        {
            "message_id": sent["id"],
            "dedup_key": "key-1",
            "channel": "email",
            "status": "sent",
            "provider": "email_outbox",
        },
    )
    assert sent["status"] == "sent"


async def test_in_app_is_answered_as_sent(api: Caller, brand: str) -> None:
    await put_template(api, brand, "in_app")
    body = await ok(api, NAME, to_send(brand, channel="in_app", recipient="ann"))
    assert (body["status"], body["provider"]) == ("sent", "in_app")


async def test_where_nobody_delivers_it_is_pending_and_has_no_provider(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    body = await ok(idle_api, NAME, to_send(brand))
    assert (body["status"], body["provider"]) == ("pending", None)
    accepted = await message(idle_api, body["message_id"])
    assert (accepted["status"], accepted["scheduled_at"]) == ("pending", accepted["created_at"])


async def test_the_answer_is_what_became_of_it(
    operated: Operated, operator: Caller, brand: str
) -> None:
    await put_template(operator, brand)
    for outcome, status in ((REFUSED, "failed"), (AMBIGUOUS, "unknown"), (BUSY, "pending")):
        address = f"{status}-{brand}@example.com"
        operated.provider.will(address, outcome)
        body = await ok(operator, NAME, to_send(brand, dedup_key=status, recipient=address))
        assert (body["status"], body["provider"]) == (status, "scripted")


async def test_an_answer_comes_before_the_deadline_of_the_call(
    operated: Operated, brand: str
) -> None:
    api = GrpcCaller(operated.running.channel, operated.running.token(brand))
    await put_template(api, brand)
    operated.provider.hold()
    # Less than the service would wait by itself.
    answer = await api.call(NAME, to_send(brand), seconds=1.5)
    assert (answer.status, answer.body["status"]) == (200, "sending")


async def test_a_used_key_is_refused_whoever_used_it_and_names_the_first_message(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    sent = await ok(idle_api, NAME, to_send(brand))
    scheduled = await schedule(idle_api, brand, dedup_key="key-2")
    before = await messages_of(idle_api)
    for key, first in (("key-1", sent["message_id"]), ("key-2", scheduled["id"])):
        for more in ({}, {"template_key": "nowhere"}, {"recipient": "other@example.com"}):
            answer = await idle_api.call(NAME, to_send(brand, dedup_key=key, **more))
            assert (answer.status, answer.error, answer.body["details"]) == (
                409,
                "dedup_key_used",
                {"message_id": first},
            )
    assert await messages_of(idle_api) == before


async def test_scheduling_under_the_key_of_a_sent_message_finds_it_or_is_refused(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    sent = await ok(idle_api, NAME, to_send(brand))
    assert (await schedule(idle_api, brand))["id"] == sent["message_id"]
    other = await idle_api.call(
        f"{MESSAGES}/ScheduleMessage", one_off(brand, recipient="other@example.com")
    )
    assert (other.status, other.error, other.body["details"]) == (
        422,
        "dedup_key_reused",
        {"message_id": sent["message_id"]},
    )


async def test_what_must_not_or_cannot_go_out_is_refused_by_its_own_code_and_not_stored(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    await put_template(
        idle_api,
        brand,
        key="typed",
        body="{{ seats }}",
        variable_schema=[{"name": "seats", "type": "numeric", "required": True}],
    )
    assert (await suppress(idle_api, brand, "gone@example.com", "hard_bounce")).status < 300
    for more, error in (
        ({"template_key": "nowhere"}, "template_unusable"),
        ({"template_key": "typed", "variables": {"seats": "three"}}, "variables_invalid"),
        ({"recipient": "Gone@example.com"}, "suppressed"),
        ({"recipient": "no address"}, "validation_failed"),
        ({"expire_at": "2020-01-01T00:00:00Z"}, "validation_failed"),
    ):
        answer = await idle_api.call(NAME, to_send(brand, **more))
        assert (answer.status, answer.error) == (422, error), answer
        if error == "variables_invalid":
            assert answer.fields == {"variables.seats"}
        if error == "suppressed":
            assert answer.body["details"] == {"reason": "hard_bounce"}
    assert await messages_of(idle_api) == []
    assert (await idle_api.call(NAME, to_send(brand))).status == 200


async def test_an_unsubscribe_does_not_hold_back_what_is_transactional(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    assert (await suppress(idle_api, brand, "ann@example.com", "unsubscribe")).status < 300
    assert (await idle_api.call(NAME, to_send(brand))).status == 200


async def test_a_brand_of_others_does_not_exist(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    other = f"other-{brand}"
    answer = await idle_api.call(NAME, to_send(brand), token=idle.token(other))
    assert (answer.status, answer.error) == (404, "brand_not_found")


async def test_repeated_under_its_idempotency_key_it_answers_of_the_same_message(
    api: Caller, brand: str
) -> None:
    await put_template(api, brand)
    first, again = [await api.call(NAME, to_send(brand), key="once") for _ in range(2)]
    assert (again.status, again.body) == (first.status, first.body) == (200, first.body)
    assert len(await messages_of(api)) == 1
