"""Maps the columns of a file to the fields of people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from server.domain.contacts.person import NewPerson, SaidConsent
from server.domain.errors import FieldViolation
from server.importer.consents import CONSENT, is_consent, read_consent
from server.importer.errors import ImportStopped
from server.importer.rows import Row, read_integer, read_json, read_object

FIELDS = ("person_id", "email", "phone", "push_tokens", "locale", "time_zone")
ATTRIBUTES = "attributes"
MOST_COLUMNS = 1000
"""Of a file with a header; the attributes of a person are 64 KiB at most."""
_BETWEEN_TOKENS = re.compile(r"[;\s]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}

_REMEMBERED = 10_000
"""Names of columns: those of JSON lines may never end."""

Target = tuple[str, ...]
"""A field, or `attributes` and the path below it, or `consent`, a channel and a category."""


class RowRefused(Exception):
    """The row makes no person."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.violation = FieldViolation(name, message)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the operator said of the columns."""

    mapped: Mapping[str, str] = field(default_factory=dict)
    """Target by column, for those that do not speak by their name."""
    ignored: frozenset[str] = frozenset()
    typed: bool = False
    """Whether `true`, `false`, `null` and numbers in CSV are read as JSON has them; otherwise they
    are text."""

    def target(self, column: str) -> Target | None:
        """Where a column goes; None if it is left out. Raises ImportStopped for a target there is
        not."""
        if column in self.ignored:
            return None
        if column in self.mapped:
            return _target(self.mapped[column])
        lowered = column.lower()
        if lowered in FIELDS:
            return (lowered,)
        if lowered.partition(".")[0] == CONSENT:
            return _target(lowered)
        return _target(
            column if column.partition(".")[0] == ATTRIBUTES else f"{ATTRIBUTES}.{column}"
        )


class Mapper:
    """Makes people of rows."""

    def __init__(self, columns: Columns) -> None:
        """Raises ImportStopped for a target there is not."""
        self._columns = columns
        self._targets: dict[str, Target | None] = {
            column: columns.target(column) for column in columns.mapped
        }

    def prepare(self, header: Sequence[str]) -> None:
        """Raises ImportStopped if these columns cannot make people, or the operator named
        others."""
        if len(header) > MOST_COLUMNS:
            raise ImportStopped(
                f"there are {len(header):,} columns; at most {MOST_COLUMNS:,} may be"
            )
        if missing := sorted({*self._columns.mapped, *self._columns.ignored} - {*header}):
            raise ImportStopped(
                f"no column {missing[0]!r} to map or ignore; there are {_listed(header)}"
            )
        if repeated := sorted(name for name, count in Counter(header).items() if count > 1):
            raise ImportStopped(f"the column {repeated[0]!r} is there twice")
        if "" in header:
            raise ImportStopped(f"column {header.index('') + 1} has no name")
        targets = {
            column: target for column in header if (target := self._target(column)) is not None
        }
        if ("person_id",) not in targets.values():
            raise ImportStopped(
                f"no column person_id; name it with --map COLUMN=person_id. There are "
                f"{_listed(header)}{_hint(header)}"
            )
        places = sorted((target, column) for column, target in targets.items())
        for (one, first), (other, second) in pairwise(places):
            # Next to a column of whole objects there may be others; what meets is told row by row.
            if other[: len(one)] == one and (other == one or one != (ATTRIBUTES,)):
                raise ImportStopped(
                    f"the columns {first!r} and {second!r} both go to {'.'.join(one)}"
                )

    def describe(self, header: Sequence[str]) -> str:
        """Where each column goes, for the operator to see."""
        return ", ".join(
            f"{column} → {'.'.join(target) if (target := self._target(column)) else '(ignored)'}"
            for column in header
        )

    def person(self, row: Row, *, from_text: bool) -> NewPerson:
        """The person in a row; `from_text` if its values are cells of CSV. Raises RowRefused."""
        fields: dict[str, object] = {}
        attributes: dict[str, object] = {}
        consents: dict[Target, SaidConsent | None] = {}
        for column, value in row.values.items():
            try:
                target = self._target(column)
            except ImportStopped as error:
                raise RowRefused(column, str(error)) from None
            if target is None or (from_text and value == ""):
                continue
            if target[0] == CONSENT:
                if target in consents:
                    raise RowRefused(".".join(target), "has two values")
                consents[target] = _consent(target, value)
            elif target[0] != ATTRIBUTES:
                _add(fields, target, _of_text(target[0], str(value)) if from_text else value, "")
            elif len(target) == 1:
                _add_all(attributes, _object(value), ATTRIBUTES)
            else:
                _add(
                    attributes,
                    target[1:],
                    self._scalar(str(value)) if from_text else value,
                    f"{ATTRIBUTES}.",
                )
        return _person(fields, attributes, tuple(filter(None, consents.values())))

    def _target(self, column: str) -> Target | None:
        if column not in self._targets:
            if len(self._targets) >= _REMEMBERED:
                self._targets.clear()
            self._targets[column] = self._columns.target(column)
        return self._targets[column]

    def _scalar(self, text: str) -> object:
        if not self._columns.typed:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if not _NUMBER.fullmatch(text):
            return text
        try:
            return read_integer(text) if text.removeprefix("-").isdecimal() else float(text)
        except ValueError as error:
            raise RowRefused(ATTRIBUTES, str(error)) from None


def _target(text: str) -> Target:
    parts = tuple(text.split("."))
    if text in FIELDS or is_consent(parts):
        return parts
    if parts[0] != ATTRIBUTES or not all(parts):
        raise ImportStopped(
            f"{text!r} is no place for a column; known are {', '.join(FIELDS)}, {ATTRIBUTES}, "
            f"{ATTRIBUTES}.NAME and {CONSENT}.CHANNEL.CATEGORY"
        )
    return parts


def _of_text(name: str, text: str) -> object:
    if name != "push_tokens":
        return text
    if text.startswith("["):
        try:
            return read_json(text)
        except ValueError:
            raise RowRefused(
                name, "must be a JSON list, or tokens with spaces or ';' between them"
            ) from None
    return [token for token in _BETWEEN_TOKENS.split(text) if token]


def _object(value: object) -> dict[str, object]:
    if isinstance(value, str):
        try:
            return read_object(value)
        except ValueError as error:
            raise RowRefused(ATTRIBUTES, str(error)) from None
    if not isinstance(value, dict):
        raise RowRefused(ATTRIBUTES, "must be a JSON object")
    return value


def _add(found: dict[str, object], path: Target, value: object, prefix: str) -> None:
    for name in path[:-1]:
        below = found.setdefault(name, {})
        if not isinstance(below, dict):
            raise RowRefused(prefix + ".".join(path), "has two values")
        found = below
    if path[-1] in found:
        raise RowRefused(prefix + ".".join(path), "has two values")
    found[path[-1]] = value


def _add_all(found: dict[str, object], more: Mapping[str, object], name: str) -> None:
    for key, value in more.items():
        _add(found, (key,), value, f"{name}.")


def _consent(target: Target, value: object) -> SaidConsent | None:
    try:
        return read_consent(target, value)
    except ValueError as error:
        raise RowRefused(".".join(target), str(error)) from None


def _person(
    fields: Mapping[str, object],
    attributes: dict[str, object],
    consents: tuple[SaidConsent, ...],
) -> NewPerson:
    person_id = fields.get("person_id")
    if isinstance(person_id, int) and not isinstance(person_id, bool):
        person_id = str(person_id)
    tokens = fields.get("push_tokens")
    if tokens is not None and not (
        isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
    ):
        raise RowRefused("push_tokens", "must be a list of strings")
    return NewPerson(
        person_id=_string("person_id", person_id) or "",
        attributes=attributes,
        email=_string("email", fields.get("email")),
        phone=_string("phone", fields.get("phone")),
        push_tokens=tuple(tokens or ()),
        locale=_string("locale", fields.get("locale")),
        time_zone=_string("time_zone", fields.get("time_zone")),
        consents=consents,
    )


def _string(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise RowRefused(name, "must be a string")
    return value or None


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    return ", ".join(shown[:20]) + (f" and {len(shown) - 20} more" if len(shown) > 20 else "")


def _hint(header: Sequence[str]) -> str:
    other = next(
        (mark for mark in (";", "\t", "|", ",") if len(header) == 1 and mark in header[0]), None
    )
    return (
        ""
        if other is None
        else f". Perhaps the delimiter is another: --delimiter "
        f"{'tab' if other == chr(9) else repr(other)}"
    )
