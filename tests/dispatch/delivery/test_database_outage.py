"""The database goes away while messages are being delivered."""

from __future__ import annotations

import pytest

from server.channels.provider import Delivery, Outcome
from server.dispatch.delivery import settler as settler_module
from storage.contract.errors import StorageUnavailable
from storage.model.messages import MessageStatus
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage


@pytest.fixture
async def outage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Outage:
    monkeypatch.setattr(settler_module, "PAUSE", 0)
    outage = Outage(stage.storage)
    stage.storage = outage
    await stage.start_guard()
    return outage


async def test_a_result_is_not_lost_while_the_database_is_away(
    stage: Stage, outage: Outage
) -> None:
    send, (message,) = await stage.send(1)
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    outage.down = True
    stage.email.let_go()
    await outage.refused.wait()
    outage.down = False
    await workers.drain()
    assert (await stage.fate(message), len(stage.email.calls)) == (("sent", None), 1)
    assert await stage.counted(send) == {"total": 1, "sent": 1}


async def test_a_call_is_in_progress_until_its_result_is_durable(
    stage: Stage, outage: Outage
) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    await stage.messages(2)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(1)
    outage.down = True
    provider.let_go()
    await outage.refused.wait()
    assert not provider.now
    assert not await workers.run_once()
    assert len(provider.calls) == 1
    outage.down = False
    await stage.run(workers)
    assert len(provider.calls) == 2


async def test_a_result_whose_commit_went_unanswered_is_counted_once(
    stage: Stage, outage: Outage
) -> None:
    send, (message,) = await stage.send(1)
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    outage.loses_answer_of = outage.writes + 1
    stage.email.let_go()
    await workers.drain()
    assert (await stage.outcomes(message), await stage.counted(send)) == (
        ["accepted"],
        {"total": 1, "sent": 1},
    )


async def test_without_a_durable_mark_nobody_is_called(stage: Stage, outage: Outage) -> None:
    send, messages = await stage.send(3)
    workers = stage.workers()
    claim, mark = outage.writes + 1, outage.writes + 2
    outage.loses_answer_of = mark
    with pytest.raises(StorageUnavailable):
        await workers.run_once()
    assert (outage.writes > claim, stage.email.calls) == (True, [])
    # None was called, so none is in doubt, whatever became of the mark.
    assert {await stage.status(message) for message in messages} == {MessageStatus.PENDING}
    await stage.run(workers)
    assert await stage.counted(send) == {"total": 3, "sent": 3}
    assert sorted(stage.email.addresses()) == sorted(message.recipient for message in messages)


async def test_rows_that_could_not_be_rendered_yet_go_out_when_they_can(
    stage: Stage, outage: Outage
) -> None:
    messages = await stage.messages(3)
    workers = stage.workers()
    outage.goes_down_after = outage.writes + 1
    with pytest.raises(StorageUnavailable):
        await workers.run_once()
    outage.down = False
    assert {await stage.status(message) for message in messages} == {MessageStatus.LEASED}
    await stage.run(workers)
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}
    assert len(stage.email.calls) == 3


async def test_in_app_messages_are_delivered_once_however_their_commit_was_answered(
    stage: Stage, outage: Outage
) -> None:
    await stage.template("in_app")
    message = await stage.message(channel="in_app")
    outage.loses_answer_of = outage.writes + 2
    await stage.run(stage.inbox_worker())
    assert (await stage.outcomes(message), len(await stage.inbox())) == (["accepted"], 1)


async def test_a_result_the_database_refuses_takes_no_other_with_it(
    stage_on_postgres: Stage,
) -> None:
    stage = stage_on_postgres
    bad, good = await stage.message("bad"), await stage.message("good")
    stage.email.will(bad.recipient, Delivery(Outcome.ACCEPTED, provider_message_id="a\x00b"))
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(2)
    stage.email.let_go()
    await stage.run(workers)
    assert await stage.fate(good) == ("sent", None)
    stage.clock.advance(30)
    await stage.recover()
    assert await stage.fate(bad) == ("unknown", "in_doubt")
