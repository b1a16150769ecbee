"""Signals: who waits is woken, and who has waited leaves nothing behind."""

from __future__ import annotations

from storage.contract.signals import Signals, outcome


async def test_only_those_who_wait_on_a_topic_are_woken_and_nothing_is_kept_of_others() -> None:
    signals = Signals()
    with signals.subscribe("a") as one, signals.subscribe("a") as two, signals.subscribe("b") as b:
        signals.fire(["a", outcome("nobody waits for")])
        assert (one.is_set(), two.is_set(), b.is_set()) == (True, True, False)
        assert set(signals._events) == {"a", "b"}
    assert not signals._events
