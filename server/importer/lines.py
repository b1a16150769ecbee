"""Reads lines of a file, each with its number and the place where it ends, so that reading can go
on there another time."""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader

from server.importer.errors import ImportStopped

LONGEST_LINE = 1024 * 1024
"""In bytes. The longest row that can be put is far below: 64 KiB of attributes, six bytes for a
character if all are escaped."""
_CHUNK = 256 * 1024
_NOT_TEXT = {
    codecs.BOM_UTF32_LE: "UTF-32; save it as UTF-8",
    codecs.BOM_UTF32_BE: "UTF-32; save it as UTF-8",
    b"PK\x03\x04": "a spreadsheet or an archive; export it as CSV",
    b"\x1f\x8b": "compressed; decompress it first: gunzip -c FILE | carillon import - --format csv",
}
_LONGEST_MARK = max(map(len, _NOT_TEXT))
_QUOTED = re.compile(r'"[^"]*(?:"|\Z)')
_LINE_BREAK = re.compile(r"\r*\n|\r")


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


@dataclass(frozen=True, slots=True)
class Encoding:
    """How characters are bytes, by the byte order mark at the beginning of a file."""

    name: str
    codec: str
    unit: int
    """Bytes; a character takes a whole number of units."""
    mark: bytes = b""


_UTF_8 = Encoding("UTF-8", "utf-8", 1)
_MARKED = (
    Encoding("UTF-8", "utf-8", 1, codecs.BOM_UTF8),
    Encoding("UTF-16", "utf-16-le", 2, codecs.BOM_UTF16_LE),
    Encoding("UTF-16", "utf-16-be", 2, codecs.BOM_UTF16_BE),
)


class Lines(Iterator[Line]):
    """The lines of a file, from its beginning or from a place on; memory does not grow with the
    file."""

    def __init__(self, file: BufferedReader) -> None:
        """Looks at the first bytes. Raises ImportStopped if they say that this is not text."""
        self._file = file
        self._data = b""
        """What has been read of the file and may hold lines still to come: those after `_start`."""
        self._start = 0
        self._returned: deque[Line] = deque()
        while len(self._data) < _LONGEST_MARK and self._read_more():
            pass
        self._encoding = _encoding_of(self._data)
        self._start = len(self._encoding.mark)
        self._place = Place(self._start)
        self._line_end = self._find_line_end().encode(self._encoding.codec)

    @property
    def place(self) -> Place:
        """The end of what has been read of the file."""
        return self._place

    def go_to(self, place: Place) -> None:
        """The next line is the one at `place`."""
        self._file.seek(place.offset)
        self._data, self._start = b"", 0
        self._place = place
        self._returned.clear()

    def give_back(self, lines: Iterable[Line]) -> None:
        """The next lines are these again."""
        self._returned.extendleft(reversed(list(lines)))

    def __next__(self) -> Line:
        if self._returned:
            return self._returned.popleft()
        number, (size, data) = self._place.line, self._read_line()
        if not size:
            raise StopIteration
        self._place = Place(self._place.offset + size, number + 1)
        if size > LONGEST_LINE:
            return Line(number, "", self._place, f"the line is longer than {LONGEST_LINE} bytes")
        try:
            return Line(number, data.decode(self._encoding.codec), self._place)
        except UnicodeDecodeError:
            text = data.decode(self._encoding.codec, errors="replace")
            return Line(number, text, self._place, f"the line is not {self._encoding.name}")

    def _read_line(self) -> tuple[int, bytes]:
        """The size of the next line, 0 if there is none, and the line; of one that is too long only
        the end."""
        forgotten = 0
        while (end := self._end_of_line()) < 0:
            if (held := len(self._data) - self._start) > LONGEST_LINE:
                held -= held % self._encoding.unit
                self._start += held
                forgotten += held
            if not self._read_more():
                end = len(self._data)
                break
        data = self._data[self._start : end]
        self._start = end
        return forgotten + len(data), data

    def _end_of_line(self) -> int:
        """Where the next line ends in `_data`; -1 if that is not there yet."""
        at = self._data.find(self._line_end, self._start)
        while at >= 0 and (at - self._start) % self._encoding.unit:
            # The end of one character and the beginning of the next.
            at = self._data.find(self._line_end, at + 1)
        return at if at < 0 else at + len(self._line_end)

    def _read_more(self) -> bool:
        """Reads as much as there is; False at the end of the file."""
        more = self._file.read1(_CHUNK)
        self._data, self._start = self._data[self._start :] + more, 0
        return bool(more)

    def _find_line_end(self) -> str:
        """A carriage return if the first line ends in that alone, or else a line feed, which
        carriage returns may stand before."""
        decoder = codecs.getincrementaldecoder(self._encoding.codec)
        more = True
        while True:
            # Of a character at the end there may be only the beginning yet; this decoder leaves it
            # out.
            head = decoder(errors="replace").decode(self._data[self._start :])
            found = _LINE_BREAK.search(_QUOTED.sub("", head)) or (
                None if more else _LINE_BREAK.search(head)
            )
            # After a carriage return at the end of what is there, a line feed may come.
            if not more or len(head) > LONGEST_LINE or (found and not head.endswith("\r")):
                return "\r" if found and not found[0].endswith("\n") else "\n"
            more = self._read_more()


def _encoding_of(head: bytes) -> Encoding:
    for mark, name in _NOT_TEXT.items():
        if head.startswith(mark):
            raise ImportStopped(f"the file is {name}")
    if 0 in head[:2]:
        raise ImportStopped("the file is UTF-16 without a byte order mark; save it as UTF-8")
    return next((marked for marked in _MARKED if head.startswith(marked.mark)), _UTF_8)
