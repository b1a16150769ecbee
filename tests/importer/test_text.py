"""Files as programs write them: UTF-8 and UTF-16, line ends of any kind, and the line by which
Excel is told the delimiter."""

from __future__ import annotations

import codecs
import csv
import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.importer.delivery import PAUSES
from server.importer.errors import ImportStopped
from server.importer.lines import LONGEST_LINE, Lines
from server.importer.rows import CsvRows, Row
from tests.support.reading import AWAY, Taker, read, written

MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
WAYS = [
    pytest.param(encoding, mark, end, id=f"{encoding}-{'mark' if mark else 'bare'}-{name}")
    for encoding, mark in [("utf-8", b""), *MARKS.items()]
    for name, end in ENDS.items()
]
in_every_way = pytest.mark.parametrize(("encoding", "mark", "end"), WAYS)


class Dripping(io.RawIOBase):
    """A file that brings a few bytes at a time, as a pipe may."""

    @classmethod
    def opened(cls, data: bytes, step: int) -> io.BufferedReader:
        return io.BufferedReader(cls(data, step))

    def __init__(self, data: bytes, step: int) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._data.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        piece = self._data.read(min(self._step, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


def rows_of(data: bytes, step: int = 4096) -> tuple[list[str], list[Row]]:
    rows = CsvRows(Lines(Dripping.opened(data, step)), None)
    return rows.read_header(), [*rows]


def rejects(file: Path) -> list[dict[str, Any]]:
    found = Path(f"{file}.rejects.jsonl")
    return [json.loads(line) for line in found.read_text().splitlines()] if found.exists() else []


@in_every_way
def test_a_file_is_read_however_it_is_written(
    tmp_path: Path, encoding: str, mark: bytes, end: str
) -> None:
    rows = 'person_id,plan,city\nann,pro,"Évora, ""PT"""\n\nbob,🎉,ਊĊ\u0a00\n'
    text = (rows + 'eve,,"two\nlines"\nmia,,\n').replace("\n", end)
    for last in (text, text.removesuffix(end)):
        taker = Taker()
        file = written(tmp_path / "p.csv", mark + last.encode(encoding))
        assert read(file, taker).counts.rejected == 0
        assert {name: person.attributes for name, person in taker.people.items()} == {
            "ann": {"plan": "pro", "city": 'Évora, "PT"'},
            "bob": {"plan": "🎉", "city": "ਊĊ\u0a00"},
            "eve": {"city": f"two{end}lines"},
            "mia": {},
        }


@in_every_way
def test_json_lines_too(tmp_path: Path, encoding: str, mark: bytes, end: str) -> None:
    text = "".join(
        f"{json.dumps({'person_id': name, 'say': chr(34) + name}, ensure_ascii=False)}{end}"
        for name in ("ann", "bób")
    )
    taker = Taker()
    assert (
        read(written(tmp_path / "p.jsonl", mark + text.encode(encoding)), taker).counts.rejected
        == 0
    )
    assert {name: person.attributes for name, person in taker.people.items()} == {
        "ann": {"say": '"ann'},
        "bób": {"say": '"bób'},
    }


@in_every_way
def test_a_bad_row_is_rejected_at_its_line_and_an_interrupted_import_goes_on(
    tmp_path: Path, encoding: str, mark: bytes, end: str
) -> None:
    quoted = '"ñ\nb"'
    lines = [
        f"p{index},{'bad' if index in (3, 12) else ''},{quoted if index == 8 else 'x'}"
        for index in range(20)
    ]
    text = "".join(f"{line}\n" for line in ["person_id,email,plan", *lines]).replace("\n", end)
    file = written(tmp_path / "p.csv", mark + text.encode(encoding))
    good = [f"p{index}" for index in range(20) if index not in (3, 12)]
    for batches in range(5):
        taker = Taker(answers=[None] * batches + [AWAY] * (len(PAUSES) + 1))
        with pytest.raises(ImportStopped, match="does not answer"):
            read(file, taker, batch_rows=4)
        taker.calls.clear()
        summary = read(file, taker, batch_rows=7)
        assert taker.calls[0][0] == next(
            person for person in good if int(person[1:]) >= 4 * batches
        )
        assert (summary.counts.read, summary.counts.put, summary.rows_now) == (
            20,
            18,
            20 - 4 * batches,
        )
        assert list(taker.people) == good
        # The row of two lines is before the second of the bad ones.
        assert [reject["line"] for reject in rejects(file)] == [5, 15]


CELLS = st.text(st.sampled_from('ab,;"\n\r\r\n é🎉ਊĊ\u0a00\u0d00'), max_size=6)


@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=12),
    st.sampled_from([("utf-8", b""), *MARKS.items()]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([1, 2, 3, 7, 100_000]),
)
@example([("a\nb", "c")], ("utf-8", b""), "\r", 1)
def test_any_cells_are_read_as_written_and_each_row_ends_where_the_next_begins(
    cells: list[tuple[str, str]], form: tuple[str, bytes], end: str, step: int
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("x", "y"), *cells])
    data = form[1] + out.getvalue().encode(form[0])
    header, rows = rows_of(data, step)
    assert header == ["x", "y"]
    assert [row.fault for row in rows] == [None] * len(rows)
    shown = [pair for pair in cells if any(cell and not cell.isspace() for cell in pair)]
    assert [(row.values["x"], row.values["y"]) for row in rows] == shown
    for row, following in pairwise(rows):
        lines = Lines(Dripping.opened(data, step))
        again = CsvRows(lines, ",")
        again.read_header()
        lines.go_to(row.end)
        assert next(again) == following
    assert not rows or rows[-1].end.offset <= len(data)


def test_line_feeds_in_the_cells_of_a_file_of_carriage_returns_stay() -> None:
    _, rows = rows_of(b'person_id,note\rann,"one\ntwo"\rbob,"three\rfour"\r')
    assert [(row.line, row.values["note"]) for row in rows] == [(2, "one\ntwo"), (3, "three\rfour")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("ann", "has 1 fields, the header 2"),
        ("ann\nbob,", "carriage return"),
        ('ann,"never closed', "never closed"),
        (f"ann,{'x' * LONGEST_LINE}", "longer than"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_bad_row_among_carriage_returns_leaves_those_around_it(
    tmp_path: Path, encoding: str, row: str, reason: str
) -> None:
    taker = Taker()
    file = written(
        tmp_path / "p.csv",
        MARKS[encoding] + f"person_id,note\rbefore,\r{row}\rafter,\r".encode(encoding),
    )
    read(file, taker)
    assert list(taker.people) == ["before", "after"]
    assert [reject["line"] for reject in rejects(file)] == [3]
    assert reason in rejects(file)[0]["reasons"][0]["message"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("bad", ["\ud800", "\udc00a"])
def test_a_line_that_is_not_utf_16_is_rejected_as_such(
    tmp_path: Path, encoding: str, bad: str
) -> None:
    taker = Taker()
    text = f"person_id,note\nbefore,\nann,{bad}\nafter,\n"
    file = written(
        tmp_path / "p.csv", MARKS[encoding] + text.encode(encoding, "surrogatepass") + b"\0"
    )
    read(file, taker)
    assert list(taker.people) == ["before", "after"]
    assert [(reject["line"], reject["reasons"][0]["message"]) for reject in rejects(file)] == [
        (3, "the line is not UTF-16"),
        (5, "the line is not UTF-16"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF32_LE + "person_id\nann\n".encode("utf-32-le"),
        "person_id\nann\n".encode("utf-32"),
    ],
)
def test_utf_32_is_refused_by_its_name(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImportStopped, match="UTF-32; save it as UTF-8"):
        read(written(tmp_path / "p.csv", data))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_refused_by_its_name(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(ImportStopped, match="UTF-16 without a byte order mark; save it as UTF-8"):
        read(written(tmp_path / "p.csv", "person_id\nann\n".encode(encoding)))


@pytest.mark.parametrize("step", [1, 5, 100])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_pipe_that_brings_little_at_a_time_is_read_the_same(step: int, end: str) -> None:
    text = f'"person_id","no{end}te"{end}ann,1{end}bob,2{end}'
    for encoding, mark in MARKS.items():
        header, rows = rows_of(mark + text.encode(encoding), step)
        assert header == ["person_id", f"no{end}te"]
        assert [(row.line, row.values["person_id"]) for row in rows] == [(3, "ann"), (4, "bob")]


def test_carriage_returns_before_a_line_feed_are_of_the_line_break(tmp_path: Path) -> None:
    taker = Taker()
    read(written(tmp_path / "p.csv", b"person_id,plan\r\r\nann,pro\r\r\n"), taker)
    assert taker.people["ann"].attributes == {"plan": "pro"}


@in_every_way
@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"'])
def test_the_line_that_tells_excel_the_delimiter_tells_us_too(
    tmp_path: Path, line: str, encoding: str, mark: bytes, end: str
) -> None:
    taker = Taker()
    text = f"{line}\nperson_id;email;plan\nann;;a,b\nbob;bad;\n".replace("\n", end)
    file = written(tmp_path / "p.csv", mark + text.encode(encoding))
    read(file, taker)
    assert {name: person.attributes for name, person in taker.people.items()} == {
        "ann": {"plan": "a,b"}
    }
    assert [reject["line"] for reject in rejects(file)] == [4]


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_the_delimiter_of_the_file_and_that_of_the_operator_may_be_the_same(
    tmp_path: Path, delimiter: str
) -> None:
    file = written(
        tmp_path / "p.csv", f"sep={delimiter}\nperson_id{delimiter}plan\nann{delimiter}pro\n"
    )
    for given_delimiter in (None, delimiter):
        taker = Taker()
        read(file, taker, delimiter=given_delimiter)
        assert taker.people["ann"].attributes == {"plan": "pro"}


def test_if_they_are_not_the_import_stops_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        ImportStopped, match=r"first line says that the delimiter is ';', --delimiter says tab"
    ):
        read(written(tmp_path / "p.csv", "sep=;\nperson_id;plan\nann;pro\n"), delimiter="\t")


def test_an_import_of_a_file_that_names_its_delimiter_goes_on(tmp_path: Path) -> None:
    file = written(
        tmp_path / "p.csv",
        "sep=;\nperson_id;plan\n" + "".join(f"p{index};x\n" for index in range(10)),
    )
    taker = Taker(answers=[None, *[AWAY] * (len(PAUSES) + 1)])
    with pytest.raises(ImportStopped, match="does not answer"):
        read(file, taker, batch_rows=4)
    assert read(file, taker, batch_rows=4).rows_now == 6
    assert list(taker.people) == [f"p{index}" for index in range(10)]


@pytest.mark.parametrize("text", ["sep=;\n", "sep=;"])
def test_a_file_of_that_line_alone_is_empty(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImportStopped, match="is empty"):
        read(written(tmp_path / "p.csv", text))
