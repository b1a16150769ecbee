"""Files to read, without a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.domain.contacts.person import NewPerson
from server.domain.errors import FieldViolation
from server.importer.checkpoint import ImportProgress
from server.importer.client import person_faults
from server.importer.delivery import PutBatch
from server.importer.errors import Unreachable
from server.importer.run import Order, Summary, run_import


class Done:
    """A call that went well."""

    def result(self) -> None:
        return None


class Failed:
    """A call that did not."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def result(self) -> None:
        raise self._error


@dataclass
class Taker:
    """A service that takes whom it gets, and answers as it was told before that."""

    answers: list[Exception | None] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)
    people: dict[str, NewPerson] = field(default_factory=dict)

    def find_faults(self, person: NewPerson) -> Sequence[FieldViolation]:
        return person_faults(person)

    def put(self, people: Sequence[NewPerson]) -> PutBatch:
        self.calls.append([person.person_id for person in people])
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            return Failed(answer)
        self.people.update((person.person_id, person) for person in people)
        return Done()


@dataclass
class Seen:
    """What the operator sees."""

    told: list[str] = field(default_factory=list)
    shown: list[ImportProgress] = field(default_factory=list)
    started_at: int | None = None

    def begin(self, size: int | None, offset: int) -> None:
        self.started_at = offset

    def show(self, progress: ImportProgress) -> None:
        self.shown.append(progress)

    def tell(self, text: str) -> None:
        self.told.append(text)


@dataclass
class Pauses:
    """Pauses that take no time."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


AWAY = Unreachable("the service at nowhere:1 does not answer")


def read(
    path: Path,
    service: Taker | None = None,
    seen: Seen | None = None,
    pauses: Pauses | None = None,
    **order: Any,
) -> Summary:
    """Imports a file into `service`."""
    whole = Order(name=str(path), destination="here", **order)
    return run_import(whole, service or Taker(), seen or Seen(), pauses or Pauses())


def written(path: Path, content: str | bytes) -> Path:
    """A file with this in it."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
