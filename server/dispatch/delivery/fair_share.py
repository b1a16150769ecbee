"""Shares a chunk of rows out fairly: between brands, then between a brand's queues. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TypeVar

from storage.model.deliveries import Queue

T = TypeVar("T")
QueueKey = tuple[str, str | None, bool]
"""Brand, send, and whether it is of steps: what a queue is, whenever it was read."""

_NEVER = -1


def key_of(queue: Queue) -> QueueKey:
    """What the queue is, whenever it was read."""
    return queue.brand_id, queue.send_id, queue.steps


class Turns:
    """Remembers who had a turn, so that with more queues than a pass can serve none is left out for
    ever."""

    def __init__(self) -> None:
        self._passes = 0
        self._queues: dict[QueueKey, int] = {}
        """The last pass in which each had a turn. Who is not waiting any more is forgotten, and
        begins as new."""
        self._brands: dict[str, int] = {}

    def next(self, waiting: Sequence[Queue], most: int) -> list[Queue]:
        """Up to `most` of the queues: the brands and queues that have waited longest for a turn
        first, one queue of every brand before a second one of any."""
        queues: defaultdict[str, list[Queue]] = defaultdict(list)
        for queue in waiting:
            queues[queue.brand_id].append(queue)
        for of_brand in queues.values():
            of_brand.sort(
                key=lambda queue: (
                    self._queues.get(key_of(queue), _NEVER),
                    queue.next_due,
                    queue.send_id or "",
                )
            )
        brands = sorted(
            queues.values(),
            key=lambda group: (
                self._brands.get(group[0].brand_id, _NEVER),
                group[0].next_due,
                group[0].brand_id,
            ),
        )
        return interleave(brands)[:most]

    def had(self, served: Iterable[QueueKey], waiting: Sequence[Queue]) -> None:
        """Those that were served go to the end of the line."""
        self._passes += 1
        keys = set(map(key_of, waiting))
        brands = {brand for brand, *_ in keys}
        turns = set(served)
        self._queues = {
            key: last for key, last in self._queues.items() if key in keys
        } | dict.fromkeys(turns, self._passes)
        self._brands = {brand: last for brand, last in self._brands.items() if brand in brands}
        self._brands |= dict.fromkeys((brand for brand, *_ in turns), self._passes)


class Shares:
    """Shares out a number of rows in rounds: what a queue did not have is shared out again among
    those that had all they were given."""

    def __init__(
        self, rows: int, queues: Sequence[Queue], most_of_brand: Mapping[str, int]
    ) -> None:
        """`most_of_brand` bounds the rows of some brands."""
        self._left = rows
        self._hungry = list(queues)
        self._most_of_brand = dict(most_of_brand)
        self._had: Counter[str | QueueKey] = Counter()
        """By brands and queues in the rounds so far."""

    def round(self) -> list[tuple[Queue, int]]:
        """How many rows each queue may have now; say `took` of each before the next round. Empty:
        nothing is left, or nobody wants it."""
        groups: defaultdict[str, list[Queue]] = defaultdict(list)
        for queue in self._hungry:
            groups[queue.brand_id].append(queue)
        most = [self._most_of_brand.get(brand, self._left) for brand in groups]
        of_brands = level_up(self._left, most, [self._had[brand] for brand in groups])
        shares: list[tuple[Queue, int]] = []
        for queues, share in zip(groups.values(), of_brands, strict=True):
            shares += zip(
                queues,
                level_up(
                    share, [share] * len(queues), [self._had[key_of(queue)] for queue in queues]
                ),
                strict=True,
            )
        return [(queue, share) for queue, share in shares if share]

    def took(self, queue: Queue, share: int, rows: int) -> None:
        """A queue that was given a share of the round had so many rows."""
        self._left -= rows
        self._had.update({queue.brand_id: rows, key_of(queue): rows})
        if queue.brand_id in self._most_of_brand:
            self._most_of_brand[queue.brand_id] -= rows
        if rows < share:
            self._hungry.remove(queue)


def level(total: int, ceilings: Sequence[int]) -> list[int]:
    """A total shared out evenly up to each one's ceiling (max-min fairness). What cannot be divided
    goes to the first."""
    shares = [0] * len(ceilings)
    left = total
    # From the lowest ceiling on, so that what it leaves is divided among the others; of equals the
    # last first, which get the lower figure.
    for done, index in enumerate(
        sorted(range(len(ceilings)), key=lambda index: (ceilings[index], -index))
    ):
        shares[index] = min(ceilings[index], left // (len(ceilings) - done))
        left -= shares[index]
    return shares


def level_up(total: int, most: Sequence[int], had: Sequence[int]) -> list[int]:
    """How much of a total each gets, up to `most`, so that it is even together with what each had
    before."""
    sharing = list(range(len(had)))
    while True:
        levels = level(
            total + sum(had[index] for index in sharing),
            [had[index] + most[index] for index in sharing],
        )
        gets = {index: reached - had[index] for index, reached in zip(sharing, levels, strict=True)}
        if all(more >= 0 for more in gets.values()):
            return [gets.get(index, 0) for index in range(len(had))]
        # Who had more than what is even now gets nothing, and does not lift the level for the
        # others.
        sharing = [index for index in sharing if gets[index] >= 0]


def interleave(lists: Sequence[Sequence[T]]) -> list[T]:
    """The first of every list, then the second of every list, and so on."""
    missing = object()
    return [
        item  # type: ignore[misc]
        for row in zip_longest(*lists, fillvalue=missing)
        for item in row
        if item is not missing
    ]


def interleave_by_brand(chunks: Sequence[tuple[Queue, Sequence[T]]]) -> list[T]:
    """Chunks of several queues in an order in which brands take turns, and in a brand's turns its
    queues."""
    brands: defaultdict[str, list[Sequence[T]]] = defaultdict(list)
    for queue, chunk in chunks:
        brands[queue.brand_id].append(chunk)
    return interleave([interleave(chunks_of_brand) for chunks_of_brand in brands.values()])
