"""Whose transaction is next, and which may join it."""

from __future__ import annotations

from storage.sql.sqlite.turns import Turns

SLOW = 1.0
QUICK = 0.001


def turns_of(*items: str) -> Turns[str]:
    """Items, whose party is their first letter, that wait in this order."""
    turns = Turns[str]()
    for item in items:
        turns.append(item[0], item)
    return turns


def rest(turns: Turns[str]) -> list[str]:
    """All that wait, as they come."""
    found = []
    while turns:
        found.append(turns.pop())
    return found


def test_parties_take_turns_whoever_came_first() -> None:
    assert rest(turns_of("a1", "a2", "a3", "b1", "c1", "b2")) == [
        *("a1", "b1", "c1", "a2", "b2", "a3"),
    ]


def test_what_is_urgent_is_next_but_its_party_waits_for_its_second_turn() -> None:
    turns = turns_of("a1", "b1")
    for item in ("d1", "d2"):
        turns.append("d", item, urgent=True)
    assert rest(turns) == ["d1", "a1", "b1", "d2"]


def test_nobody_joins_who_is_slow_and_nobody_who_is_quick_joins_them() -> None:
    turns = turns_of("a1", "b1", "c1")
    turns.note("a", SLOW)
    assert turns.pop_beside("b") == "b1"
    assert turns.pop_beside("a") == "a1"
    assert turns.pop_beside("a") is None
    turns.append("a", "a2")
    assert turns.pop_beside("c") == "c1"
    assert turns.pop_beside("c") is None
    turns.note("a", QUICK)
    assert turns.pop_beside("c") == "a2"
