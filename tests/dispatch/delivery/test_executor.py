"""What the outcome of a call means for its message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import RETRY_POLICIES, ErrorClass
from storage.model.messages import MessageStatus
from storage.model.sends import SendStatus
from tests.support.dispatch.scripted import ACCEPTED, AMBIGUOUS, BUSY, REFUSED, ScriptedProvider
from tests.support.dispatch.stage import Stage

ANN = "ann@example.com"
POLICY = RETRY_POLICIES[ErrorClass.DEFERRED]
"""That of BUSY."""


@pytest.mark.parametrize(
    ("outcome", "fate", "recorded"),
    [
        (ACCEPTED, ("sent", None), "accepted"),
        (REFUSED, ("failed", "no_such_mailbox"), "rejected"),
        (AMBIGUOUS, ("unknown", "connection_lost"), "ambiguous"),
        (RuntimeError("a fault"), ("unknown", "provider_fault"), "ambiguous"),
    ],
)
async def test_outcome_decides_the_fate(
    stage: Stage, outcome: Delivery | Exception, fate: tuple[str, str | None], recorded: str
) -> None:
    stage.email.will(ANN, outcome)
    message = await stage.message()
    await stage.run(stage.workers())
    assert await stage.fate(message) == fate
    (attempt,) = await stage.attempts(message)
    assert (attempt.number, attempt.provider, attempt.outcome, attempt.reason) == (
        1,
        "scripted",
        recorded,
        fate[1],
    )


async def test_the_providers_own_id_is_kept(stage: Stage) -> None:
    message = await stage.message()
    await stage.run(stage.workers())
    assert [attempt.provider_message_id for attempt in await stage.attempts(message)] == ["theirs"]


async def test_a_call_that_takes_too_long_is_in_doubt_and_makes_room(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=1, timeout=0)
    provider.hold()
    message = await stage.message()
    workers = stage.workers(provider=provider)
    await stage.run(workers)
    assert await stage.fate(message) == ("unknown", "provider_timeout")
    assert await workers.next_due() is None
    provider.let_go()


@pytest.mark.parametrize("outcome", [REFUSED, AMBIGUOUS, RuntimeError("a fault"), BUSY])
async def test_one_bad_outcome_does_not_touch_the_others(
    stage: Stage, outcome: Delivery | Exception
) -> None:
    stage.email.will("person-001@example.com", outcome)
    messages = await stage.messages(4)
    await stage.run(stage.workers())
    fates = [await stage.status(message) for message in messages]
    assert [fates[index] for index in (0, 2, 3)] == [MessageStatus.SENT] * 3
    assert fates[1] is not MessageStatus.SENT


async def test_what_was_not_sent_is_tried_again_later(stage: Stage) -> None:
    stage.email.will(ANN, BUSY)
    message = await stage.message()
    workers = stage.workers()
    await stage.run(workers)
    found = await stage.found(message)
    assert (found.status, found.attempts, found.failure_reason) == (
        MessageStatus.PENDING,
        1,
        "busy",
    )
    assert found.scheduled_at == message.scheduled_at
    wait = found.due_at - stage.clock.now()
    assert POLICY.first_delay / 2 <= wait <= POLICY.first_delay
    await stage.run(workers)
    assert len(stage.email.calls) == 1
    stage.clock.advance(wait.total_seconds())
    await stage.run(workers)
    assert await stage.fate(message) == ("sent", None)
    assert await stage.outcomes(message) == ["rejected", "accepted"]


async def test_a_message_that_is_never_taken_fails_after_its_last_attempt(stage: Stage) -> None:
    stage.email.will(ANN, *[BUSY] * POLICY.max_attempts)
    message = await stage.message()
    workers = stage.workers()
    for number in range(1, POLICY.max_attempts + 1):
        await stage.run(workers)
        assert [attempt.number for attempt in await stage.attempts(message)] == list(
            range(1, number + 1)
        )
        stage.clock.advance(POLICY.longest_delay.total_seconds())
    await stage.run(workers)
    assert await stage.fate(message) == ("failed", "busy")
    assert len(stage.email.calls) == POLICY.max_attempts


async def test_a_provider_that_says_when_to_come_back_is_not_asked_before(stage: Stage) -> None:
    stage.email.will(
        ANN,
        Delivery(Outcome.REJECTED, "busy", error_class=ErrorClass.THROTTLED, retry_after=1234.0),
    )
    message = await stage.message()
    await stage.run(stage.workers())
    assert (await stage.found(message)).due_at == stage.clock.now() + timedelta(seconds=1234)


async def test_a_refusal_for_good_is_not_tried_again(stage: Stage) -> None:
    stage.email.will(ANN, REFUSED)
    await stage.message()
    workers = stage.workers()
    await stage.run(workers)
    assert await workers.next_due() is None


async def test_what_is_in_doubt_is_not_tried_again(stage: Stage) -> None:
    stage.email.will(ANN, AMBIGUOUS)
    await stage.message()
    workers = stage.workers()
    await stage.run(workers)
    stage.clock.advance(POLICY.longest_delay.total_seconds())
    await stage.recover()
    await stage.run(workers)
    assert len(stage.email.calls) == 1


async def test_a_send_is_counted_by_what_became_of_its_messages(stage: Stage) -> None:
    send, _ = await stage.send(5)
    stage.email.will("person-001@example.com", REFUSED)
    stage.email.will("person-002@example.com", AMBIGUOUS)
    stage.email.will("person-003@example.com", BUSY)
    workers = stage.workers()
    await stage.run(workers)
    assert await stage.counted(send) == {
        "total": 5,
        "sent": 2,
        "failed": 1,
        "unknown": 1,
        "pending": 1,
    }
    assert (await stage.found_send(send)).status is SendStatus.SENDING
    stage.clock.advance(POLICY.longest_delay.total_seconds())
    await stage.run(workers)
    assert await stage.counted(send) == {"total": 5, "sent": 3, "failed": 1, "unknown": 1}
    done = await stage.found_send(send)
    assert (done.status, done.completed_at) == (SendStatus.COMPLETED, stage.clock.now())
    assert (await stage.found_campaign(send.campaign_id)).status == "sent"
