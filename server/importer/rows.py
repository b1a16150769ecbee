"""Reads rows of CSV (RFC 4180) and of JSON lines. A row that cannot be read is a fault of its own,
and reading goes on at the line after its first."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from server.domain.validation import INEXACT
from server.importer.errors import ImportStopped
from server.importer.lines import Line, Lines, Place

_RAW_CHARACTERS = 2000
DELIMITER = ","
_SEP_LINE = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*', re.IGNORECASE)
_CSV_FAULTS = {
    "field larger": f"a field is longer than {csv.field_size_limit()} characters; perhaps its "
    f"quote is never closed",
    "unexpected end": "a quote is opened and never closed",
    "expected after": "something other than the delimiter follows a closing quote",
    "new-line character": "a carriage return or a line feed stands inside the line",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file: named values, or a fault."""

    line: int
    """Number of its first line."""
    end: Place
    """The place after it."""
    values: dict[str, object] = field(default_factory=dict)
    fault: str | None = None
    """Why it cannot be read."""
    raw: str = ""
    """What there is of it, if it cannot be read."""


class CsvRows(Iterator[Row]):
    """Rows of CSV, by the names in the header."""

    def __init__(self, lines: Lines, delimiter: str | None) -> None:
        """`delimiter` is None if nobody said what it is. Raises ImportStopped if the file says that
        it is another."""
        self._lines = lines
        self.delimiter = _delimiter(lines, delimiter)
        self._pulled: list[Line] = []
        self._header: list[str] | None = None
        self._start()

    def read_header(self) -> list[str]:
        """The names in the first row that is not blank. Raises ImportStopped if there is none or it
        cannot be read."""
        for fault, cells in self._records():
            if fault := self._first_fault(fault):
                raise ImportStopped(f"the header cannot be read: {fault}")
            self._header = [cell.strip() for cell in cells]
            return self._header
        raise ImportStopped("the file is empty; its first row must name the columns")

    def __next__(self) -> Row:
        assert self._header is not None, "the header is read first"
        for csv_fault, cells in self._records():
            fault = self._first_fault(csv_fault)
            if fault is None and len(cells) != len(self._header):
                fault = f"the row has {len(cells)} fields, the header {len(self._header)}"
            first, last = self._pulled[0], self._pulled[-1]
            if fault is None:
                return Row(first.number, last.end, dict(zip(self._header, cells, strict=True)))
            return Row(
                first.number,
                last.end,
                fault=fault,
                raw="".join(line.text for line in self._pulled)[:_RAW_CHARACTERS],
            )
        raise StopIteration

    def _records(self) -> Iterator[tuple[str | None, list[str]]]:
        """Fault and cells of each row that is not blank. The lines it takes up are in `_pulled`."""
        while True:
            self._pulled = []
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                # The rest may be good rows, swallowed by a stray quote.
                self._lines.give_back(self._pulled[1:])
                del self._pulled[1:]
                self._start()
                yield _csv_fault(error), []
                continue
            if any(cell and not cell.isspace() for cell in cells) or any(
                line.fault for line in self._pulled
            ):
                yield None, cells

    def _first_fault(self, csv_fault: str | None) -> str | None:
        return next((line.fault for line in self._pulled if line.fault), csv_fault)

    def _start(self) -> None:
        self._reader = csv.reader(self._pull(), delimiter=self.delimiter, strict=True)

    def _pull(self) -> Iterator[str]:
        for line in self._lines:
            self._pulled.append(line)
            yield line.text


class JsonRows(Iterator[Row]):
    """Rows of JSON objects, one to a line."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __next__(self) -> Row:
        for line in self._lines:
            if line.fault is None and line.text.isspace():
                continue
            try:
                return Row(
                    line.number,
                    line.end,
                    read_object(line.text) if line.fault is None else {},
                    line.fault,
                    line.text[:_RAW_CHARACTERS],
                )
            except ValueError as error:
                return Row(line.number, line.end, fault=str(error), raw=line.text[:_RAW_CHARACTERS])
        raise StopIteration


def _delimiter(lines: Lines, given: str | None) -> str:
    """What stands between fields. Passes over the first line if that is Excel's `sep=;`, which no
    standard describes."""
    first = next(lines, None)
    found = _SEP_LINE.fullmatch(first.text) if first else None
    if found is None:
        lines.give_back([first] if first else [])
        return given or DELIMITER
    if given not in (None, found[1]):
        named, asked = (("tab" if each == "\t" else repr(each)) for each in (found[1], given))
        raise ImportStopped(
            f"the file's first line says that the delimiter is {named}, --delimiter says {asked}: "
            f"leave that out"
        )
    return found[1]


def read_object(text: str) -> dict[str, object]:
    """A JSON object, as `read_json`. Raises ValueError with the reason."""
    value = read_json(text)
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    return value


def read_json(text: str) -> object:
    """A JSON value that the service will keep as it is written. Raises ValueError with the
    reason."""
    try:
        value: object = json.loads(
            text,
            parse_int=read_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_repeats,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("is JSON nested too deeply") from None
    if "\\u" in text and any(
        "\ud800" <= character <= "\udfff" for character in json.dumps(value, ensure_ascii=False)
    ):
        raise ValueError("has half of a surrogate pair")
    return value


def read_integer(digits: str) -> int:
    """A whole number. Raises ValueError for one that a double, which is what JSON numbers become,
    does not hold."""
    # Not by int() alone: it takes quadratic time for many digits.
    number = int(digits) if len(digits) <= 20 else INEXACT
    if abs(number) >= INEXACT:
        raise ValueError("has a whole number too large to be kept exactly; write it as a string")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"has {name}, which is not JSON")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("has the same key twice in an object")
    return found


def _csv_fault(error: csv.Error) -> str:
    return next(
        (text for part, text in _CSV_FAULTS.items() if part in str(error)), f"is not CSV: {error}"
    )
