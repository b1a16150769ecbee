"""Calls whose outcome is not known: who is asked again, under what key, for how long, and how it
ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import RETRY_POLICIES, ErrorClass
from storage.model.brands import UnknownPolicy
from tests.support.dispatch.scripted import ACCEPTED, AMBIGUOUS, BUSY, REFUSED, ScriptedProvider
from tests.support.dispatch.stage import Stage

ANN = "ann@example.com"
HOUR = timedelta(hours=1)
POLICY = RETRY_POLICIES[ErrorClass.AMBIGUOUS]


def keyed(window: timedelta = HOUR) -> ScriptedProvider:
    """A provider that knows a key again."""
    return ScriptedProvider(key_window=window)


async def wait_and_run(stage: Stage, workers: object) -> None:
    stage.clock.advance(POLICY.longest_delay.total_seconds())
    await stage.run(workers)  # type: ignore[arg-type]  # a worker


async def test_while_the_provider_knows_the_key_it_is_asked_again_under_it(stage: Stage) -> None:
    provider = keyed()
    provider.will(ANN, AMBIGUOUS)
    message = await stage.message()
    workers = stage.workers(provider=provider)
    await stage.run(workers)
    found = await stage.found(message)
    assert (found.status, found.in_doubt, found.failure_reason) == (
        "pending",
        True,
        "connection_lost",
    )
    wait = found.due_at - stage.clock.now()
    assert POLICY.first_delay / 2 <= wait <= POLICY.first_delay
    await wait_and_run(stage, workers)
    assert await stage.fate(message) == ("sent", None)
    assert [envelope.message_id for envelope in provider.calls] == [message.id] * 2


async def test_when_the_key_will_be_forgotten_it_is_not_asked_again(stage: Stage) -> None:
    provider = keyed(timedelta(seconds=2))
    provider.will(ANN, AMBIGUOUS)
    message = await stage.message()
    workers = stage.workers(provider=provider)
    await stage.run(workers)
    assert await stage.fate(message) == ("unknown", "connection_lost")


async def test_the_window_begins_with_the_first_call(stage: Stage) -> None:
    provider = keyed(POLICY.longest_delay * 2)
    provider.will(ANN, *[AMBIGUOUS] * 9)
    message = await stage.message()
    workers = stage.workers(provider=provider)
    for _ in range(4):
        await stage.run(workers)
        await wait_and_run(stage, workers)
    assert await stage.fate(message) == ("unknown", "in_doubt")
    first, last = await stage.attempts(message)
    assert last.started_at < first.started_at + provider.key_window


async def test_without_keys_a_brand_may_choose_to_send_again(stage: Stage) -> None:
    await stage.policy(unknown_policy=UnknownPolicy.RESEND)
    stage.email.will(ANN, AMBIGUOUS)
    message = await stage.message()
    workers = stage.workers()
    await stage.run(workers)
    await wait_and_run(stage, workers)
    assert await stage.fate(message) == ("sent", None)
    assert len(stage.email.calls) == 2


async def test_what_is_never_answered_ends_as_unknown_after_its_last_attempt(stage: Stage) -> None:
    await stage.policy(unknown_policy=UnknownPolicy.RESEND)
    stage.email.will(ANN, *[AMBIGUOUS] * POLICY.max_attempts)
    message = await stage.message()
    workers = stage.workers()
    for _ in range(POLICY.max_attempts + 2):
        await wait_and_run(stage, workers)
    assert await stage.fate(message) == ("unknown", "connection_lost")
    assert len(stage.email.calls) == POLICY.max_attempts


@pytest.mark.parametrize("last", [REFUSED, Delivery(Outcome.REJECTED, "unrenderable_there")])
async def test_a_refusal_after_a_doubtful_call_does_not_make_it_failed(
    stage: Stage, last: Delivery
) -> None:
    provider = keyed()
    provider.will(ANN, AMBIGUOUS, last)
    message = await stage.message()
    workers = stage.workers(provider=provider)
    await stage.run(workers)
    await wait_and_run(stage, workers)
    assert await stage.fate(message) == ("unknown", "in_doubt")


async def test_attempts_used_up_after_a_doubtful_call_do_not_make_it_failed(stage: Stage) -> None:
    provider = keyed()
    most = RETRY_POLICIES[ErrorClass.DEFERRED].max_attempts
    provider.will(ANN, AMBIGUOUS, *[BUSY] * most)
    message = await stage.message()
    workers = stage.workers(provider=provider)
    await stage.run(workers)
    for _ in range(most):
        stage.clock.advance(3600)
        await stage.run(workers)
    assert await stage.fate(message) == ("unknown", "in_doubt")


async def test_a_template_that_is_lost_after_a_doubtful_call_does_not_make_it_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = keyed()
    provider.will(ANN, AMBIGUOUS)
    message = await stage.message()
    workers = stage.workers(provider=provider)
    await stage.run(workers)

    def faulty(*_: object, **__: object) -> dict[str, object]:
        raise KeyError("a fault")

    monkeypatch.setattr("server.domain.templates.message_content.render_context", faulty)
    await wait_and_run(stage, workers)
    assert await stage.fate(message) == ("unknown", "in_doubt")


@pytest.mark.parametrize(
    ("key_window", "policy"), [(HOUR, UnknownPolicy.PARK), (timedelta(0), UnknownPolicy.RESEND)]
)
async def test_after_a_crash_what_was_with_its_provider_goes_out_again_if_that_does_no_harm(
    stage: Stage, key_window: timedelta, policy: UnknownPolicy
) -> None:
    await stage.policy(unknown_policy=policy)
    stage.email = keyed(key_window)
    message = await stage.message()
    stage.email.hold()
    await stage.workers().run_once()
    await stage.email.called(1)
    await stage.crash()
    stage.clock.advance(30)
    await stage.recover()
    assert stage.metrics.recoveries == [(0, 0, 1)]
    stage.email.let_go()
    await stage.run(stage.workers())
    assert await stage.fate(message) == ("sent", None)
    assert await stage.outcomes(message) == ["ambiguous", "accepted"]


async def test_an_acceptance_that_comes_while_it_waits_to_be_asked_again_is_enough(
    stage: Stage,
) -> None:
    stage.email = keyed()
    message = await stage.message()
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    stage.clock.advance(30)
    await stage.lose_leases()
    assert (await stage.found(message)).status == "pending"
    stage.email.will(ANN, ACCEPTED)
    stage.email.let_go()
    await workers.drain()
    await stage.run(workers)
    assert await stage.fate(message) == ("sent", None)
    assert len(stage.email.calls) == 1
