"""Lines of a file, each with its number and the place where it ends, so that reading can go on there another time."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader

from server.importer.errors import ImportStopped

LONGEST_LINE = 1024 * 1024
"""In bytes. The longest row that can be put is far below: 64 KiB of attributes, six bytes for a character if all are escaped."""
_NOT_TEXT = {
    codecs.BOM_UTF16_LE: "UTF-16; save it as UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16; save it as UTF-8",
    b"PK\x03\x04": "a spreadsheet or an archive; export it as CSV",
    b"\x1f\x8b": "compressed; decompress it first: gunzip -c FILE | carillon import - --format csv",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Between two lines of a file."""

    offset: int = 0
    """Bytes before it."""
    line: int = 1
    """Number of the line after it, from 1."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its line break, and the place after it."""

    number: int
    text: str
    end: Place
    fault: str | None = None
    """Why the text is not what the file has."""


class Lines(Iterator[Line]):
    """The lines from a place on; memory does not grow with the file."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._place = Place()
        self._returned: deque[Line] = deque()

    def refuse_other_than_text(self) -> None:
        """Looks at the first bytes. Raises ImportStopped if they say that this is not UTF-8 text."""
        head = self._file.peek(4)[:4]
        for mark, name in _NOT_TEXT.items():
            if head.startswith(mark):
                raise ImportStopped(f"the file is {name}")

    @property
    def place(self) -> Place:
        """The end of what has been read of the file."""
        return self._place

    def go_to(self, place: Place) -> None:
        """The next line is the one at `place`."""
        self._file.seek(place.offset)
        self._place = place
        self._returned.clear()

    def give_back(self, lines: Iterable[Line]) -> None:
        """The next lines are these again."""
        self._returned.extendleft(reversed(list(lines)))

    def __next__(self) -> Line:
        if self._returned:
            return self._returned.popleft()
        number, data = self._place.line, self._file.readline(LONGEST_LINE)
        if not data:
            raise StopIteration
        size, fault = len(data), None
        if size == LONGEST_LINE and not data.endswith(b"\n"):
            size, data, fault = size + self._pass_over(), b"", f"the line is longer than {LONGEST_LINE} bytes"
        self._place = Place(self._place.offset + size, number + 1)
        if number == 1:
            data = data.removeprefix(codecs.BOM_UTF8)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text, fault = data.decode(errors="replace"), "the line is not UTF-8"
        return Line(number, text, self._place, fault)

    def _pass_over(self) -> int:
        """Reads to the end of the line; the number of bytes."""
        passed = 0
        while data := self._file.readline(LONGEST_LINE):
            passed += len(data)
            if data.endswith(b"\n"):
                break
        return passed
