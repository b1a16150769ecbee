"""`dedup_key`: one message for one request in a brand, however often, late or at once it is asked
for."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, attempts, ended, messages_of, one_off, schedule
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_template

NAME = f"{MESSAGES}/ScheduleMessage"


async def test_same_request_returns_the_same_message(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    request = one_off(brand, variables={"a": 1, "b": [1.5, None]}, hipaa=False)
    answers = [await idle_api.call(NAME, request) for _ in range(3)]
    assert [answer.status for answer in answers] == [201] * 3
    assert answers[0].body == answers[1].body == answers[2].body
    assert len(await messages_of(idle_api)) == 1


async def test_same_request_in_other_words_is_the_same(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    first = await schedule(
        idle_api, brand, scheduled_at="2030-01-01T12:00:00Z", variables={"a": 1, "b": 2}
    )
    again = one_off(
        brand, scheduled_at="2030-01-01T13:30:00.000+01:30", variables={"b": 2.0, "a": 1}
    )
    answer = await idle_api.call(NAME, again)
    assert (answer.status, answer.body) == (201, first)


async def test_same_request_after_it_was_sent_returns_it_as_it_is_by_then(
    api: Caller, brand: str
) -> None:
    await put_template(api, brand)
    request = one_off(brand)
    first = await api.call(NAME, request)
    sent = await ended(api, first.body["id"])
    again = await api.call(NAME, request)
    assert (again.status, again.body) == (201, sent)
    assert (sent["id"], sent["status"]) == (first.body["id"], "sent")
    assert len(await attempts(api, sent["id"])) == 1


OTHERS: list[dict[str, Any]] = [
    {"recipient": "other@example.com"},
    {"person_id": "bob"},
    {"channel": "push"},
    {"template_key": "other"},
    {"variables": {"a": 2}},
    {"variables": {}},
    {"variables": {"a": "1"}},
    {"variables": {"a": True}},
    {"hipaa": True},
    {"scheduled_at": "2030-01-01T12:00:00.000001Z"},
]


async def test_any_field_that_differs_is_another_request_and_refused(
    idle_api: Caller, brand: str
) -> None:
    for channel, key in (("email", "welcome"), ("push", "welcome"), ("email", "other")):
        await put_template(idle_api, brand, channel, key)
    request = one_off(brand, scheduled_at="2030-01-01T12:00:00Z", variables={"a": 1})
    first = await ok(idle_api, NAME, request)
    for other in OTHERS:
        answer = await idle_api.call(NAME, {**request, **other})
        assert (answer.status, answer.error) == (422, "dedup_key_reused"), other
    assert await messages_of(idle_api) == [first]


async def test_key_is_shared_by_all_callers_of_the_brand(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    request = one_off(brand)
    first = await ok(idle_api, NAME, request)
    again = await idle_api.call(NAME, request, token=idle.token(brand, subject="somebody-else"))
    assert (again.status, again.body) == (201, first)


async def test_same_request_at_the_same_time_makes_one_message(api: Caller, brand: str) -> None:
    await put_template(api, brand)
    request = one_off(brand)
    answers = await asyncio.gather(*(api.call(NAME, request) for _ in range(20)))
    assert {(answer.status, answer.body["id"]) for answer in answers} == {
        (201, answers[0].body["id"])
    }
    await ended(api, answers[0].body["id"])
    assert len(await messages_of(api)) == len(await attempts(api, answers[0].body["id"])) == 1
