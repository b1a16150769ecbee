"""Puts a batch, whatever the service says to it: tries again when it is away, and leaves out whom
it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from server.domain.contacts.person import NewPerson
from server.domain.errors import FieldViolation
from server.importer.errors import BatchRefused, BatchTooLarge, ImportStopped, Unreachable
from server.importer.rejects import Reject
from server.importer.rows import Row

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Seconds before each new try: about a minute, in which a service restarts."""

Entry = tuple[NewPerson, Row]


class PutBatch(Protocol):
    """A call that has begun."""

    def result(self) -> None:
        """Returns when the people are durable. Raises Unreachable, BatchRefused, BatchTooLarge;
        ImportStopped for what no try will mend."""
        ...


class PeopleService(Protocol):
    """The service that people are put into."""

    def find_faults(self, person: NewPerson) -> Sequence[FieldViolation]:
        """What the service would refuse by its rules of fields alone."""
        ...

    def put(self, people: Sequence[NewPerson]) -> PutBatch:
        """Begins to put them, all or none."""
        ...


class BatchDelivery:
    """A batch under way: the service works on it while the next is read."""

    def __init__(
        self,
        service: PeopleService,
        entries: Sequence[Entry],
        pause: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self._service = service
        self._entries = list(entries)
        self._pause = pause
        self._tell = tell
        self._call = self._begin(self._entries)

    def finish(self) -> list[Reject]:
        """Returns when everybody is put who can be; the others. Raises ImportStopped."""
        return self._put(self._entries, self._call)

    def _put(self, entries: Sequence[Entry], call: PutBatch | None) -> list[Reject]:
        rejects: list[Reject] = []
        while call is not None:
            try:
                self._settle(entries, call)
            except BatchRefused as error:
                rejects += _rejects(entries, error)
                named = {refusal.index for refusal in error.refusals}
                entries = [entry for index, entry in enumerate(entries) if index not in named]
                call = self._begin(entries)
            except BatchTooLarge:
                return rejects + self._put_halves(entries)
            else:
                break
        return rejects

    def _put_halves(self, entries: Sequence[Entry]) -> list[Reject]:
        if len(entries) == 1:
            return [
                Reject(
                    entries[0][1],
                    [FieldViolation("", "is larger than the service takes in one call")],
                )
            ]
        halves = entries[: len(entries) // 2], entries[len(entries) // 2 :]
        return [reject for half in halves for reject in self._put(half, self._begin(half))]

    def _begin(self, entries: Sequence[Entry]) -> PutBatch | None:
        return self._service.put([person for person, _ in entries]) if entries else None

    def _settle(self, entries: Sequence[Entry], call: PutBatch) -> None:
        for pause in PAUSES:
            try:
                return call.result()
            except Unreachable as error:
                if pause == PAUSES[0]:
                    self._tell(f"{error}; trying again for about {sum(PAUSES):.0f} seconds")
            self._pause(pause)
            call = self._service.put([person for person, _ in entries])
        try:
            call.result()
        except Unreachable as error:
            raise ImportStopped(str(error)) from None


def _rejects(entries: Sequence[Entry], error: BatchRefused) -> list[Reject]:
    reasons: dict[int, list[FieldViolation]] = {}
    for refusal in error.refusals:
        reasons.setdefault(refusal.index, []).append(FieldViolation(refusal.field, refusal.message))
    return [Reject(entries[index][1], violations) for index, violations in reasons.items()]
