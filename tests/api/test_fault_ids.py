"""Ids of faults: each is in the log, and no caller makes it endless."""

from __future__ import annotations

import pytest

from server.api.fault_ids import MOST, WINDOW, FaultIds
from storage.contract.errors import StorageError
from tests.support.api.callers import caller
from tests.support.api.faults import FaultyStorage
from tests.support.api.running import Running


class Steady:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def raised(error: type[Exception]) -> Exception:
    try:
        raise error("here")
    except error as caught:
        return caught


def test_a_fault_that_comes_again_and_again_has_few_ids_a_minute() -> None:
    clock = Steady()
    ids = FaultIds(clock)
    given = [ids.id_of(raised(KeyError), "/a.B/C") for _ in range(1000)]
    assert len(set(given)) == MOST
    assert len({*given[MOST - 1 :]}) == 1
    others = {ids.id_of(raised(KeyError), "/a.B/D"), ids.id_of(raised(ValueError), "/a.B/C")}
    assert len(others - set(given)) == 2
    clock.now += WINDOW
    assert ids.id_of(raised(KeyError), "/a.B/C") not in given


async def test_every_id_that_is_answered_is_in_the_log(
    faulty: tuple[Running, FaultyStorage],
    transport: str,
    brand: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = caller(transport, faulty[0], brand)
    method = f"messaging.{'Segment' if transport == 'rest' else 'Send'}Service/Get"
    method += "Segment" if transport == "rest" else "Send"
    ids = []
    await api.call(method, {"id": "none"})
    with faulty[1].failing_with(StorageError("the database refused a statement")):
        for _ in range(3 * MOST):
            answer = await api.call(method, {"id": "none"})
            ids.append(answer.body["details"]["error_id"])
    assert len(set(ids)) == MOST
    for each in ids:
        assert each in caplog.text
