"""Counters that are not what the rows say are found and told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.dispatch.maintenance import counter_reconciler as reconciler_module
from server.dispatch.maintenance.counter_reconciler import CounterReconciler
from storage.contract.storage import Transaction
from storage.contract.work import Work
from storage.model.messages import MessageStatus
from storage.model.sends import Send
from tests.support.dispatch.scripted import AMBIGUOUS, BUSY, REFUSED
from tests.support.dispatch.stage import Stage


class Drifting:
    """A real storage in which the counters of some sends have gone wrong."""

    def __init__(self, stage: Stage, *wrong: Send) -> None:
        self._storage = stage.storage
        self.wrong = {send.id for send in wrong}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def read(
        self,
        function: Callable[[Transaction], Awaitable[Any]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> Any:
        async def skewed(tx: Transaction) -> Any:
            return await function(_Skewed(tx, self.wrong))

        return await self._storage.read(skewed, work, whose)


class _Skewed:
    def __init__(self, tx: Any, wrong: set[str]) -> None:
        self._tx = tx
        self._wrong = wrong

    @property
    def sends(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx.sends, name)

    async def recount(self, send_id: str) -> Any:
        counted = await self._tx.sends.recount(send_id)
        if send_id not in self._wrong:
            return counted
        return type(counted)(total=counted.total, sent=counted.total)


async def test_a_drift_is_told_with_its_send_and_numbers(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    right, _ = await stage.send(2)
    wrong, _ = await stage.send(3)
    assert not await CounterReconciler(Drifting(stage, wrong), stage.metrics).run_once()
    assert stage.metrics.drifts == [1]
    assert caplog.messages == [
        (
            f"the counters of send {wrong.id} have drifted: "
            "pending is 3 but there are 0, sent is 0 "
            f"but there are 3"
        )
    ]
    assert right.id not in caplog.text


async def test_without_drift_none_is_told_whatever_became_of_the_messages(stage: Stage) -> None:
    send, _ = await stage.send(6)
    for number, outcome in enumerate((REFUSED, AMBIGUOUS, BUSY)):
        stage.email.will(f"person-{number:03}@example.com", outcome)
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    reconciler = CounterReconciler(stage.storage, stage.metrics)
    await reconciler.run_once()
    stage.email.let_go()
    await stage.run(workers)
    await reconciler.run_once()
    assert (await stage.found_send(send)).completed_at is None
    assert stage.metrics.drifts == [0, 0]


async def test_with_more_sends_than_a_pass_recounts_all_have_their_turn(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler_module, "SENDS", 2)
    sends = [(await stage.send(1))[0] for _ in range(5)]
    reconciler = CounterReconciler(Drifting(stage, sends[0], sends[4]), stage.metrics)
    for _ in range(3):
        await reconciler.run_once()
    assert stage.metrics.drifts == [1, 1, 2]
    for _ in range(3):
        await reconciler.run_once()
    assert stage.metrics.drifts[3:] == [1, 1, 2]


async def test_a_send_that_is_over_is_not_recounted(stage: Stage) -> None:
    send, messages = await stage.send(1)
    await stage.run(stage.workers())
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}
    await CounterReconciler(Drifting(stage, send), stage.metrics).run_once()
    assert stage.metrics.drifts == [0]
