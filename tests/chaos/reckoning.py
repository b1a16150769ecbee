"""The database and the ledger, side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos import books as book
from tests.chaos.books import Books, Doubt, Row
from tests.chaos.ledger import Entry
from tests.chaos.load import Accepted

MAY_HAVE_LEFT = ("sent", "unknown")


@dataclass
class Reckoning:
    """What came of everything that was accepted. Each list names the messages (or sends) by id; all
    but `unknown` must be empty."""

    messages: int = 0
    lost: list[str] = field(default_factory=list)
    """Accepted and not there, not ended, or told sent without ever having been taken."""
    duplicated: list[str] = field(default_factory=list)
    """Taken more than once."""
    contradicted: list[str] = field(default_factory=list)
    """Taken, but told as something else than sent or unknown."""
    drift: list[str] = field(default_factory=list)
    """Sends whose counters are not what their rows say."""
    unknown: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    """How many messages ended as what."""
    lateness: list[float] = field(default_factory=list)
    """Seconds from when each one-off was due (or accepted, if that was later) to when it was
    taken."""
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        """What must not be."""
        found = {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "contradicted": self.contradicted,
            "drift": self.drift,
        }
        return {name: each for name, each in found.items() if each}


async def reckon(books: Books, entries: Sequence[Entry], accepted: Accepted) -> Reckoning:
    """Once everything has ended."""
    rows = {row.id: row for row in await book.messages(books)}
    deliveries = [entry for entry in entries if not entry.replayed]
    taken = Counter(entry.message_id for entry in deliveries)
    result = Reckoning(
        messages=accepted.total, drift=await book.drift(books), doubts=await book.doubts(books)
    )
    result.lost = [
        *_missing(rows, accepted),
        *(row.id for row in rows.values() if _is_lost(row, taken)),
    ]
    result.duplicated = [message_id for message_id, times in taken.items() if times > 1]
    result.contradicted = [
        message_id
        for message_id in taken
        if message_id not in rows or rows[message_id].status not in MAY_HAVE_LEFT
    ]
    result.unknown = [row.id for row in rows.values() if row.status == "unknown"]
    result.statuses = dict(Counter(row.status for row in rows.values()))
    first = {entry.message_id: entry.at for entry in reversed(deliveries)}
    result.lateness = [
        first[message_id] - due for message_id, due in accepted.due.items() if message_id in first
    ]
    return result


def _is_lost(row: Row, taken: Counter[str]) -> bool:
    return row.status in book.UNFINISHED or (row.status == "sent" and not taken[row.id])


def _missing(rows: dict[str, Row], accepted: Accepted) -> list[str]:
    people: defaultdict[str | None, set[str]] = defaultdict(set)
    for row in rows.values():
        people[row.send_id].add(row.person_id)
    unsent = [
        f"{send_id}/{person}"
        for send_id, wanted in accepted.sends.items()
        for person in wanted - people[send_id]
    ]
    return [message_id for message_id in accepted.due if message_id not in rows] + unsent
