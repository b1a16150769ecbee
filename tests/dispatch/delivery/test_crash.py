"""What a process that dies leaves behind, and what the next one makes of it."""

from __future__ import annotations

from server.domain.delivery.timing import LEASE
from storage.model.messages import MessageStatus
from storage.model.sends import Recipients, SendStatus
from tests.support.dispatch.scripted import AMBIGUOUS, BUSY, REFUSED, ScriptedProvider
from tests.support.dispatch.stage import Stage
from tests.support.dispatch.workers import ChannelWorkers
from tests.support.storage import made

LEASE_SECONDS = LEASE.total_seconds()


async def restarted(stage: Stage) -> None:
    """The process dies and another takes over: at once where it owns the database, when the leases
    end where others may live."""
    await stage.crash()
    if not stage.storage.exclusive:
        await stage.recover()
        stage.clock.advance(LEASE_SECONDS)
    await stage.recover()


async def test_what_was_only_claimed_goes_out_after_a_crash(stage: Stage) -> None:
    messages = await stage.messages(5)
    claimed = await stage.claim("email", 10)
    assert len(claimed) == 5
    await restarted(stage)
    assert {await stage.status(message) for message in messages} == {MessageStatus.PENDING}
    await stage.run(stage.workers())
    assert sorted(stage.email.addresses()) == sorted(message.recipient for message in messages)
    assert [await stage.outcomes(message) for message in messages] == [["accepted"]] * 5


async def test_a_crash_leaves_in_doubt_what_was_with_its_provider_and_nothing_else(
    stage: Stage,
) -> None:
    provider = ScriptedProvider(max_concurrency=3)
    send, messages = await stage.send(5)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(2)
    await restarted(stage)
    assert await stage.counted(send) == {"total": 5, "pending": 3, "unknown": 2}
    await stage.run(stage.workers())
    assert await stage.counted(send) == {"total": 5, "sent": 3, "unknown": 2}
    assert (await stage.found_send(send)).status is SendStatus.COMPLETED
    called = [*provider.addresses(), *stage.email.addresses()]
    assert sorted(called) == sorted(message.recipient for message in messages)
    for message in messages:
        fate = (
            ("unknown", "in_doubt") if message.recipient in provider.addresses() else ("sent", None)
        )
        assert await stage.fate(message) == fate


async def test_what_is_in_doubt_has_an_ambiguous_attempt(stage: Stage) -> None:
    message = await stage.message()
    started_at = stage.clock.now()
    stage.email.hold()
    await stage.workers().run_once()
    await stage.email.called(1)
    await restarted(stage)
    (attempt,) = await stage.attempts(message)
    assert (attempt.number, attempt.provider, attempt.outcome, attempt.reason) == (
        1,
        "scripted",
        "ambiguous",
        "in_doubt",
    )
    assert attempt.started_at == started_at


async def test_attempts_before_the_crash_count(stage: Stage) -> None:
    stage.email.will("ann@example.com", BUSY)
    message = await stage.message()
    await stage.run(stage.workers())
    await restarted(stage)
    stage.clock.advance(3600)
    await stage.run(stage.workers())
    assert await stage.fate(message) == ("sent", None)
    assert [attempt.number for attempt in await stage.attempts(message)] == [1, 2]


async def test_a_result_that_was_durable_before_the_crash_stays(stage: Stage) -> None:
    message = await stage.message()
    await stage.run(stage.workers())
    await restarted(stage)
    await stage.run(stage.workers())
    assert (await stage.fate(message), len(stage.email.calls)) == (("sent", None), 1)


async def test_the_leases_of_a_living_dispatcher_are_respected(stage_on_postgres: Stage) -> None:
    stage = stage_on_postgres
    message = await stage.message()
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    stage.storage = await stage.open()
    await stage.recover()
    stage.clock.advance(LEASE_SECONDS - 1)
    await stage.recover()
    assert await stage.status(message) is MessageStatus.SENDING
    stage.email.let_go()
    await workers.drain()
    assert await stage.fate(message) == ("sent", None)


async def in_doubt_while_called(stage: Stage) -> None:
    """One call is in flight whose lease has ended and has been taken back."""
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    stage.clock.advance(LEASE_SECONDS)
    await stage.lose_leases()


async def test_an_acceptance_that_comes_after_recovery_turns_unknown_into_sent(
    stage: Stage,
) -> None:
    send, (message,) = await stage.send(1)
    await in_doubt_while_called(stage)
    assert await stage.fate(message) == ("unknown", "in_doubt")
    stage.email.let_go()
    await stage.all_workers[0].drain()
    assert await stage.fate(message) == ("sent", None)
    assert sorted(await stage.outcomes(message)) == ["accepted", "ambiguous"]
    assert await stage.counted(send) == {"total": 1, "sent": 1}


async def test_any_other_result_that_comes_after_recovery_changes_nothing_and_is_kept(
    stage: Stage,
) -> None:
    for outcome, address in (
        (REFUSED, "a@example.com"),
        (BUSY, "b@example.com"),
        (AMBIGUOUS, "c@example.com"),
    ):
        stage.email.will(address, outcome)
    send, messages = await stage.send(
        [(address[0], address) for address in ("a@example.com", "b@example.com", "c@example.com")]
    )
    await in_doubt_while_called(stage)
    stage.email.let_go()
    await stage.run(stage.all_workers[0])
    assert {await stage.fate(message) for message in messages} == {("unknown", "in_doubt")}
    assert sorted([tuple(sorted(await stage.outcomes(message))) for message in messages]) == [
        ("ambiguous", "ambiguous"),
        ("ambiguous", "rejected"),
        ("ambiguous", "rejected"),
    ]
    assert (len(stage.email.calls), await stage.counted(send)) == (3, {"total": 3, "unknown": 3})


async def test_rows_whose_lease_ended_while_they_waited_for_room_go_out_once(
    stage: Stage,
) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    messages = await stage.messages(3)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(1)
    stage.clock.advance(LEASE_SECONDS)
    await stage.lose_leases()
    other = ScriptedProvider()
    await stage.run(stage.workers(provider=other))
    provider.let_go()
    await stage.run(workers)
    assert sorted([*provider.addresses(), *other.addresses()]) == sorted(
        message.recipient for message in messages
    )
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}


async def two_holders(
    stage: Stage,
) -> tuple[ScriptedProvider, ChannelWorkers, ScriptedProvider, ChannelWorkers]:
    """A worker that has lost its leases while it waited for its one call, and the worker that has
    claimed the rows since."""
    first, second = ScriptedProvider(max_concurrency=1), ScriptedProvider(max_concurrency=1)
    first.hold()
    second.hold()
    first_workers, second_workers = stage.workers(provider=first), stage.workers(provider=second)
    await first_workers.run_once()
    await first.called(1)
    stage.clock.advance(LEASE_SECONDS)
    await stage.lose_leases()
    await second_workers.run_once()
    await second.called(1)
    return first, first_workers, second, second_workers


async def test_who_has_lost_a_lease_does_not_mark_under_the_lease_of_another(stage: Stage) -> None:
    messages = await stage.messages(5)
    first, first_workers, second, second_workers = await two_holders(stage)
    first.let_go()
    await stage.run(first_workers)
    assert len(first.calls) == 1
    second.let_go()
    await stage.run(second_workers)
    assert sorted([*first.addresses(), *second.addresses()]) == sorted(
        message.recipient for message in messages
    )


async def test_who_has_lost_a_lease_does_not_give_back_what_another_holds(stage: Stage) -> None:
    messages = await stage.messages(5)
    first, first_workers, second, second_workers = await two_holders(stage)
    first.let_go()
    await first_workers.stop()
    assert [await stage.status(message) for message in messages].count(MessageStatus.LEASED) == 3
    second.let_go()
    await stage.run(second_workers)
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}


async def test_a_campaign_cancelled_before_the_crash_stays_cancelled(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    send, _ = await stage.send(4)
    provider.hold()
    await stage.workers(provider=provider).run_once()
    await provider.called(1)
    await stage.cancel(send)
    await restarted(stage)
    await stage.run(stage.workers())
    assert stage.email.calls == []
    assert await stage.counted(send) == {"total": 4, "cancelled": 3, "unknown": 1}
    assert (await stage.found_send(send)).status is SendStatus.CANCELLED


async def test_a_crash_between_steps_loses_and_repeats_none(stage: Stage) -> None:
    people = await stage.people(3)
    provider = ScriptedProvider(max_concurrency=1)
    await stage.template()
    send = await stage.publish(*(made.step(each, template_revision=1) for each in range(2)))
    assert (await stage.found_send(send)).recipients.pending == len(people)
    stage.clock.advance(60)
    provider.hold()
    await stage.workers(provider=provider).run_once()
    await provider.called(1)
    await restarted(stage)
    for _ in range(2):
        await stage.run(stage.workers())
        stage.clock.advance(60)
    await stage.run(stage.workers())
    assert await stage.counted(send) == {"total": 6, "sent": 5, "unknown": 1}
    done = await stage.found_send(send)
    assert (done.status, done.recipients) == (SendStatus.COMPLETED, Recipients(sent=2, failed=1))
    called = sorted([*provider.addresses(), *stage.email.addresses()])
    assert called == sorted(f"{person}@example.com" for person in people * 2)
