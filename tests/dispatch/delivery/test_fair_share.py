"""Who comes next, and how much each gets."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from server.dispatch.delivery.fair_share import Shares, Turns, interleave_by_brand, key_of, level
from storage.model.deliveries import Queue
from tests.support.clocks import NOON


def queue(brand: str, send: str | None = None) -> Queue:
    return Queue("email", brand, send, NOON)


def sends(brand: str, count: int) -> list[Queue]:
    return [queue(brand, f"{brand}-{number}") for number in range(count)]


def shared_out(
    rows: int, waiting: dict[Queue, int], most_of_brand: dict[str, int] | None = None
) -> Counter[Queue]:
    """What each queue gets, of which so many rows are due."""
    shares, left, got = (
        Shares(rows, list(waiting), most_of_brand or {}),
        dict(waiting),
        Counter[Queue](),
    )
    while given := shares.round():
        for each, share in given:
            taken = min(share, left[each])
            left[each] -= taken
            got[each] += taken
            shares.took(each, share, taken)
    return got


brands = st.sampled_from(["a", "b", "c", "d"])
queues = st.lists(
    st.tuples(brands, st.none() | st.sampled_from("wxyz")), unique=True, min_size=1
).map(lambda keys: [queue(brand, send and f"{brand}-{send}") for brand, send in keys])
backlogs = queues.flatmap(
    lambda each: st.fixed_dictionaries({one: st.integers(0, 40) for one in each})
)
ceilings = st.dictionaries(brands, st.integers(0, 20))


def by_brand(counts: dict[Queue, int]) -> dict[str, int]:
    total: defaultdict[str, int] = defaultdict(int)
    for each, count in counts.items():
        total[each.brand_id] += count
    return total


@given(rows=st.integers(0, 100), waiting=backlogs, most=ceilings)
def test_everything_is_used_that_may_be(
    rows: int, waiting: dict[Queue, int], most: dict[str, int]
) -> None:
    got = shared_out(rows, waiting, most)
    possible = sum(min(count, most.get(brand, count)) for brand, count in by_brand(waiting).items())
    assert got.total() == min(rows, possible)
    assert all(got[each] <= waiting[each] for each in waiting)
    assert all(count <= most.get(brand, count) for brand, count in by_brand(got).items())


@given(rows=st.integers(0, 100), waiting=backlogs, most=ceilings)
def test_no_brand_that_wants_more_gets_less_than_another(
    rows: int, waiting: dict[Queue, int], most: dict[str, int]
) -> None:
    got, wanted = by_brand(shared_out(rows, waiting, most)), by_brand(waiting)
    for brand, want in wanted.items():
        if got.get(brand, 0) < min(want, most.get(brand, want)):
            assert got.get(brand, 0) + 1 >= max(got.values(), default=0)


def test_brands_share_evenly_however_many_queues_each_has() -> None:
    got = shared_out(200, dict.fromkeys([*sends("big", 9), queue("small", "one")], 1000))
    assert by_brand(got) == {"big": 100, "small": 100}


def test_the_queues_of_a_brand_share_evenly() -> None:
    assert (
        sorted(shared_out(100, dict.fromkeys([queue("a"), *sends("a", 3)], 1000)).values())
        == [25] * 4
    )


def test_what_a_queue_does_not_use_goes_to_the_others() -> None:
    few, many = queue("few", "f"), queue("many", "m")
    assert shared_out(200, {few: 3, many: 1000}) == {few: 3, many: 197}


def test_what_a_limited_brand_may_not_use_goes_to_the_others() -> None:
    limited, other = queue("limited", "l"), queue("other", "o")
    assert shared_out(200, {limited: 1000, other: 1000}, {"limited": 5}) == {limited: 5, other: 195}


@given(total=st.integers(0, 1000), ceilings=st.lists(st.integers(0, 100)))
def test_level_is_max_min_fair(total: int, ceilings: list[int]) -> None:
    shares = level(total, ceilings)
    assert sum(shares) == min(total, sum(ceilings))
    for share, ceiling in zip(shares, ceilings, strict=True):
        assert share == ceiling or share + 1 >= max(shares)


def test_what_cannot_be_divided_goes_to_the_first() -> None:
    assert level(5, [9, 9, 9]) == [2, 2, 1]
    assert level(1, [9, 9, 9]) == [1, 0, 0]


@given(waiting=queues, most=st.integers(1, 6))
def test_nobody_is_left_out_for_ever(waiting: list[Queue], most: int) -> None:
    turns, last = Turns(), dict.fromkeys(waiting, 0)
    widest = max(Counter(each.brand_id for each in waiting).values())
    bound = widest * len({each.brand_id for each in waiting})
    for number in range(1, 4 * bound + 1):
        for chosen in turns.next(waiting, most):
            last[chosen] = number
        turns.had((key_of(each) for each in waiting if last[each] == number), waiting)
        assert all(number - seen <= bound for seen in last.values())


def test_every_brand_comes_before_a_second_queue_of_any() -> None:
    waiting = [*sends("a", 30), queue("b", "b-0"), queue("c")]
    assert {each.brand_id for each in Turns().next(waiting, 3)} == {"a", "b", "c"}


def test_a_brand_with_a_thousand_sends_costs_another_no_turn() -> None:
    waiting, turns = [*sends("a", 1000), queue("b", "b-0")], Turns()
    for _ in range(10):
        chosen = turns.next(waiting, 20)
        assert queue("b", "b-0") in chosen
        turns.had((key_of(each) for each in chosen), waiting)


def test_who_waited_longest_in_a_pass_that_serves_few_comes_first() -> None:
    waiting, turns, served = sends("a", 3), Turns(), []
    for _ in range(3):
        first = turns.next(waiting, 3)[0]
        turns.had([key_of(first)], waiting)
        served.append(first)
    assert sorted(served, key=str) == sorted(waiting, key=str)


@given(backlogs)
def test_no_row_waits_behind_more_than_its_turn_of_others(waiting: dict[Queue, int]) -> None:
    chunks = [
        (each, [(each, number) for number in range(count)]) for each, count in waiting.items()
    ]
    order = interleave_by_brand(chunks)
    assert Counter(each for each, _ in order) == Counter(
        {each: count for each, count in waiting.items() if count}
    )
    widest = max(Counter(each.brand_id for each in waiting).values())
    bound = widest * len({each.brand_id for each in waiting})
    for place, (_, number) in enumerate(order):
        assert place < (number + 1) * bound


def test_brands_take_turns_in_a_chunk() -> None:
    chunks = [
        (queue("a", "1"), ["a1", "a1", "a1"]),
        (queue("a", "2"), ["a2", "a2", "a2"]),
        (queue("b", "3"), ["b", "b"]),
    ]
    assert interleave_by_brand(chunks) == ["a1", "b", "a2", "b", "a1", "a2", "a1", "a2"]
