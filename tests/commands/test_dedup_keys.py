"""One `dedup_key` of a brand stands for one request, however often and at once it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from server.commands.messages.cancel import cancel_message
from server.commands.messages.intake import MessageIntake
from server.commands.messages.schedule import NewMessage, schedule_message
from server.domain.access import Caller, Principal
from server.domain.errors import KeyReused, NotFound, ValidationFailed
from storage.model.messages import Message, MessageFilter
from tests.support.clocks import NOON
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage import made


def new_message(stage: Stage, **more: object) -> NewMessage:
    request = NewMessage(
        brand_id=BRAND,
        person_id="ann",
        channel="email",
        template_key="welcome",
        recipient="ann@example.com",
        dedup_key="order-7",
        variables={"order": 7},
        hipaa=False,
        scheduled_at=stage.clock.now(),
    )
    return replace(request, **more)  # type: ignore[arg-type]  # checked by the fields' own types


Schedule = Callable[..., Awaitable[Message]]


@pytest.fixture(params=["alone", "joined"])
def schedule(request: pytest.FixtureRequest, stage: Stage) -> Schedule:
    """Schedules in a transaction of its own, or joined with others."""
    intake = MessageIntake(stage.storage)

    async def schedule(new: NewMessage, brand: str = BRAND) -> Message:
        caller = Caller(Principal("tester", frozenset({brand}), frozenset()), stage.clock.now())
        if request.param == "joined":
            return await intake.schedule(caller, new)
        return await stage.storage.write(lambda tx: schedule_message(tx, caller, new))

    return schedule


async def all_messages(stage: Stage) -> list[Message]:
    return await stage.storage.read(
        lambda tx: tx.messages.list_page(BRAND, MessageFilter(), None, 100)
    )


async def test_the_same_request_again_gets_the_same_message(
    stage: Stage, schedule: Schedule
) -> None:
    first = await schedule(new_message(stage))
    assert await schedule(new_message(stage)) == first
    assert await all_messages(stage) == [first]


async def test_the_same_request_many_times_at_once_makes_one_message(
    stage: Stage, schedule: Schedule
) -> None:
    answers = await asyncio.gather(*(schedule(new_message(stage)) for _ in range(10)))
    assert {answer.id for answer in answers} == {
        message.id for message in await all_messages(stage)
    }
    assert len(await all_messages(stage)) == 1


async def test_of_different_requests_at_once_under_one_key_one_is_accepted(
    stage: Stage, schedule: Schedule
) -> None:
    requests = (new_message(stage, variables={"order": number}) for number in range(8))
    answers = await asyncio.gather(
        *(schedule(request) for request in requests), return_exceptions=True
    )
    (accepted,) = [answer for answer in answers if isinstance(answer, Message)]
    assert [message.id for message in await all_messages(stage)] == [accepted.id]
    assert sum(isinstance(answer, KeyReused) for answer in answers) == 7


OTHERS: list[dict[str, object]] = [
    {"person_id": "bob"},
    {"channel": "push"},
    {"template_key": "other"},
    {"recipient": "bob@example.com"},
    {"variables": {"order": 8}},
    {"hipaa": True},
    {"scheduled_at": NOON + timedelta(minutes=1, microseconds=1)},
    {"expire_at": NOON + timedelta(hours=1)},
]


async def test_another_request_under_the_key_is_refused(stage: Stage, schedule: Schedule) -> None:
    first = await schedule(new_message(stage))
    for other in OTHERS:
        with pytest.raises(KeyReused) as refused:
            await schedule(new_message(stage, **other))
        assert refused.value.reason == "dedup_key_reused"
    assert await all_messages(stage) == [first]


async def test_the_same_instant_in_another_zone_is_the_same_request(
    stage: Stage, schedule: Schedule
) -> None:
    first = await schedule(new_message(stage))
    elsewhere = stage.clock.now().astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert (await schedule(new_message(stage, scheduled_at=elsewhere))).id == first.id


async def test_another_expiry_is_another_request_and_the_same_one_is_not(
    stage: Stage, schedule: Schedule
) -> None:
    expire_at = stage.clock.now() + timedelta(hours=1)
    first = await schedule(new_message(stage, expire_at=expire_at))
    elsewhere = expire_at.astimezone(timezone(timedelta(hours=-3)))
    assert await schedule(new_message(stage, expire_at=elsewhere)) == first
    for other in (None, expire_at + timedelta(seconds=1)):
        with pytest.raises(KeyReused):
            await schedule(new_message(stage, expire_at=other))


async def test_a_retry_with_a_new_now_is_the_same_request(stage: Stage, schedule: Schedule) -> None:
    for first, again in [(0, 0), (60, 0), (-300, 60), (0, -90)]:
        key = f"{first} {again}"
        at = stage.clock.now() + timedelta(seconds=first)
        message = await schedule(new_message(stage, dedup_key=key, scheduled_at=at))
        stage.clock.advance(7200)
        at = stage.clock.now() + timedelta(seconds=again)
        assert await schedule(new_message(stage, dedup_key=key, scheduled_at=at)) == message
    assert len(await all_messages(stage)) == 4


async def test_another_time_that_is_not_at_once_is_another_request(
    stage: Stage, schedule: Schedule
) -> None:
    for first, again in [(61, 0), (0, 61), (61, 61)]:
        key = f"{first} {again}"
        at = stage.clock.now() + timedelta(seconds=first)
        await schedule(new_message(stage, dedup_key=key, scheduled_at=at))
        stage.clock.advance(30)
        at = stage.clock.now() + timedelta(seconds=again)
        with pytest.raises(KeyReused):
            await schedule(new_message(stage, dedup_key=key, scheduled_at=at))


async def test_the_key_holds_after_the_time_of_the_message_has_passed(
    stage: Stage, schedule: Schedule
) -> None:
    request = new_message(stage)
    first = await schedule(request)
    await stage.run(stage.workers())
    stage.clock.advance(1000 * 86_400)
    again = await schedule(request)
    assert (again.id, again.status) == (first.id, "sent")
    with pytest.raises(KeyReused):
        await schedule(replace(request, recipient="other@example.com"))
    await stage.run(stage.workers())
    assert len(stage.email.calls) == 1


async def test_the_key_holds_after_the_template_has_changed(
    stage: Stage, schedule: Schedule
) -> None:
    first = await schedule(new_message(stage))
    await stage.template(body="another body")
    assert (await schedule(new_message(stage))).template_revision == first.template_revision == 1


async def test_the_key_holds_after_a_cancel(stage: Stage, schedule: Schedule) -> None:
    first = await schedule(new_message(stage, scheduled_at=stage.clock.now() + timedelta(days=1)))
    cancelled = await stage.storage.write(lambda tx: cancel_message(tx, stage.caller, first.id))
    assert await schedule(new_message(stage, scheduled_at=first.scheduled_at)) == cancelled


async def test_a_request_that_was_refused_takes_no_key(stage: Stage, schedule: Schedule) -> None:
    with pytest.raises(ValidationFailed):
        await schedule(new_message(stage, template_key="nowhere"))
    with pytest.raises(ValidationFailed):
        await schedule(new_message(stage, scheduled_at=stage.clock.now() - timedelta(minutes=6)))
    assert (await schedule(new_message(stage))).dedup_key == "order-7"


async def test_the_key_of_another_brand_is_another_key(stage: Stage, schedule: Schedule) -> None:
    await stage.storage.write(lambda tx: made.put_version(tx, brand_id="other"))
    first = await schedule(new_message(stage))
    other = await schedule(new_message(stage, brand_id="other", variables={}), brand="other")
    assert first.id != other.id
    with pytest.raises(NotFound):
        await schedule(new_message(stage), brand="other")
