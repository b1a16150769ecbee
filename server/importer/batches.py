"""Makes batches of rows: what is put in one call, and what cannot be put."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from server.domain.contacts.person import NewPerson, check_person
from server.domain.errors import FieldViolation, ValidationFailed
from server.domain.validation import Checks
from server.importer.lines import Place
from server.importer.mapping import Mapper, RowRefused
from server.importer.rejects import Reject
from server.importer.rows import Row

BATCH_BYTES = 4 * 1024 * 1024
"""Of the file. A batch of rows that are large ends before it has `batch_rows`."""


@dataclass(slots=True)
class Batch:
    """Some rows of the file, one after another."""

    start: Place
    end: Place
    rows: int = 0
    people: dict[str, tuple[NewPerson, Row]] = field(default_factory=dict)
    """By id. Of two rows with one id the later holds, as it would if they were put one after the
    other; so consents of the earlier stay."""
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judge:
    """Makes people of rows and refuses what the service would refuse."""

    mapper: Mapper
    from_text: bool
    region: str | None
    find_faults: Callable[[NewPerson], Sequence[FieldViolation]]
    """What a person breaks of the rules that the service has of their fields."""

    def person(self, row: Row) -> NewPerson:
        """The person, as they will be kept. Raises ValidationFailed."""
        if row.fault is not None:
            raise ValidationFailed.of("", row.fault)
        try:
            person = self.mapper.person(row, from_text=self.from_text)
        except RowRefused as error:
            raise ValidationFailed([error.violation]) from None
        checks = Checks()
        checked = check_person(checks, person, region=self.region)
        faults = {fault.field: fault for fault in (*checks.violations, *self.find_faults(person))}
        if faults:
            raise ValidationFailed([*faults.values()])
        return checked


def batches(rows: Iterator[Row], judge: Judge, start: Place, batch_rows: int) -> Iterator[Batch]:
    """The rows in batches of at most `batch_rows`, good and bad together."""
    batch = Batch(start, start)
    for row in rows:
        _add(batch, row, judge)
        if batch.rows >= batch_rows or batch.end.offset - batch.start.offset >= BATCH_BYTES:
            yield batch
            batch = Batch(batch.end, batch.end)
    if batch.rows:
        yield batch


def _add(batch: Batch, row: Row, judge: Judge) -> None:
    batch.rows += 1
    batch.end = row.end
    try:
        person = judge.person(row)
    except ValidationFailed as error:
        batch.rejects.append(Reject(row, error.violations))
        return
    earlier = batch.people.get(person.person_id)
    batch.people[person.person_id] = person.after(earlier[0]) if earlier else person, row
