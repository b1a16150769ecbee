"""`dedup_key`: one message for one request in a brand, however often, late or at once it is asked
for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.commands.messages.schedule import NewMessage, schedule_message
from server.domain.access import Caller as CommandCaller
from server.domain.access import Principal
from server.domain.errors import KeyReused, ValidationFailed
from storage.model.messages import Message
from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, attempts, ended, messages_of, one_off, schedule
from tests.support.api.running import Running
from tests.support.api.scenes import FAR, instant, ok, put_template

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


async def test_a_retry_with_a_new_now_is_the_same_request(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    first = await ok(idle_api, NAME, one_off(brand, scheduled_at=instant()))
    for at in (instant(), instant(timedelta(minutes=-4)), instant(timedelta(seconds=50))):
        assert await ok(idle_api, NAME, one_off(brand, scheduled_at=at)) == first
    answer = await idle_api.call(NAME, one_off(brand, scheduled_at=instant(timedelta(minutes=2))))
    assert (answer.status, answer.error) == (422, "dedup_key_reused")


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


async def test_same_request_after_it_was_cancelled_does_not_revive_it(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    request = one_off(brand, scheduled_at=instant(FAR))
    created = await ok(idle_api, NAME, request)
    cancelled = await ok(idle_api, f"{MESSAGES}/CancelMessage", {"id": created["id"]})
    again = await idle_api.call(NAME, request)
    assert (again.status, again.body) == (201, cancelled)


async def test_same_request_after_the_template_moved_on_keeps_its_message(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    request = one_off(brand)
    first = await ok(idle_api, NAME, request)
    await put_template(idle_api, brand, body="another revision")
    assert await ok(idle_api, NAME, request) == first


@pytest.mark.parametrize(
    "other",
    [
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
    ],
    ids=str,
)
async def test_any_field_that_differs_is_another_request_and_refused(
    idle_api: Caller, brand: str, other: dict[str, Any]
) -> None:
    for channel, key in (("email", "welcome"), ("push", "welcome"), ("email", "other")):
        await put_template(idle_api, brand, channel, template_key=key)
    request = one_off(brand, scheduled_at="2030-01-01T12:00:00Z", variables={"a": 1})
    first = await ok(idle_api, NAME, request)
    answer = await idle_api.call(NAME, {**request, **other})
    assert (answer.status, answer.error) == (422, "dedup_key_reused")
    assert await messages_of(idle_api) == [first]


async def test_key_of_another_brand_is_another_key(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    both, other = idle.token(brand, f"other-{brand}"), f"other-{brand}"
    ids = set()
    for each in (brand, other):
        template = {
            "brand_id": each,
            "channel": "email",
            "template_key": "welcome",
            "body": "Hello",
        }
        assert (
            await idle_api.call("comms.TemplateService/PutTemplate", template, token=both)
        ).status == 201
        answer = await idle_api.call(
            NAME, one_off(each, recipient=f"ann@{each}.example"), token=both
        )
        assert answer.status == 201
        ids.add(answer.body["id"])
    assert len(ids) == 2


async def test_key_is_shared_by_all_callers_of_the_brand(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    request = one_off(brand)
    first = await ok(idle_api, NAME, request)
    again = await idle_api.call(NAME, request, token=idle.token(brand, subject="somebody-else"))
    assert (again.status, again.body) == (201, first)


async def test_refused_request_leaves_its_key_free(idle_api: Caller, brand: str) -> None:
    request = one_off(brand)
    assert (await idle_api.call(NAME, request)).fields == {"template_key"}
    await put_template(idle_api, brand)
    assert (await idle_api.call(NAME, {**request, "recipient": "bob@example.com"})).status == 201


async def test_same_request_at_the_same_time_makes_one_message(api: Caller, brand: str) -> None:
    await put_template(api, brand)
    request = one_off(brand)
    answers = await asyncio.gather(*(api.call(NAME, request) for _ in range(20)))
    assert {(answer.status, answer.body["id"]) for answer in answers} == {
        (201, answers[0].body["id"])
    }
    await ended(api, answers[0].body["id"])
    assert len(await messages_of(api)) == len(await attempts(api, answers[0].body["id"])) == 1


async def test_other_requests_at_the_same_time_leave_one_winner(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    requests = [one_off(brand, recipient=f"p{number}@example.com") for number in range(10)]
    answers = await asyncio.gather(*(idle_api.call(NAME, request) for request in requests))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 9
    assert len(await messages_of(idle_api)) == 1


async def test_same_request_years_after_it_was_due_is_still_the_same(
    running: Running, api: Caller, brand: str
) -> None:
    await put_template(api, brand)
    now = datetime.now(UTC)
    later = now + timedelta(days=1000)
    principal = Principal("tester", frozenset({brand}), frozenset())

    async def ask(
        at: datetime, dedup_key: str = "key-1", recipient: str = "ann@example.com"
    ) -> Message:
        new = NewMessage(
            brand_id=brand,
            person_id="ann",
            channel="email",
            template_key="welcome",
            recipient=recipient,
            dedup_key=dedup_key,
            variables={},
            hipaa=False,
            scheduled_at=now,
        )
        assert running.service.storage is not None
        return await running.service.storage.write(
            lambda tx: schedule_message(tx, CommandCaller(principal, at), new)
        )

    first = await ask(now)
    await ended(api, first.id)
    assert (await ask(later)).id == first.id
    with pytest.raises(KeyReused):
        await ask(later, recipient="other@example.com")
    with pytest.raises(ValidationFailed, match="must not be in the past"):
        await ask(later, dedup_key="key-2")
