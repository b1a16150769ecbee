"""What is read of a file, and which rows are rejected at which line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.domain.contacts.person import NewPerson
from server.importer.errors import ImportStopped
from server.importer.lines import LONGEST_LINE
from tests.support.reading import Taker, read, written

HEADER = "person_id,email,plan\n"


def taken_and_rejected(path: Path, **order: Any) -> tuple[list[str], list[dict[str, Any]]]:
    taker = Taker()
    summary = read(path, taker, **order)
    rejects = (
        [json.loads(line) for line in summary.rejects.read_text().splitlines()]
        if summary.rejects.exists()
        else []
    )
    assert summary.counts.read == summary.counts.put + summary.counts.rejected
    assert summary.counts.rejected == len(rejects)
    return list(taker.people), rejects


def people(path: Path, **order: Any) -> dict[str, NewPerson]:
    taker = Taker()
    assert read(path, taker, **order).counts.rejected == 0
    return taker.people


def test_columns_are_fields_by_their_name_and_attributes_otherwise(tmp_path: Path) -> None:
    text = (
        "Person_ID,email,phone,push_tokens,locale,time_zone,plan,address.city\n"
        "ann,Ann@Example.com,+1 (202) 555-0100,one;two,pt-BR,Europe/Lisbon,pro,Évora\n"
        "bob,,,,,,,\n"
    )
    assert people(written(tmp_path / "p.csv", text)) == {
        "ann": NewPerson(
            person_id="ann",
            attributes={"plan": "pro", "address": {"city": "Évora"}},
            email="ann@example.com",
            phone="+12025550100",
            push_tokens=("one", "two"),
            locale="pt-BR",
            time_zone="Europe/Lisbon",
        ),
        "bob": NewPerson(person_id="bob"),
    }


def test_json_lines_make_the_same_people(tmp_path: Path) -> None:
    rows = [
        {
            "person_id": "ann", "email": "Ann@Example.com", "push_tokens": ["one"],
            "attributes": {"plan": "pro"}, "visits": 3, "address.city": "Évora",
        },
        {"person_id": 42, "email": None, "gone": None},
    ]  # fmt: skip
    text = "".join(f"{json.dumps(row)}\n\n" for row in rows)
    assert people(written(tmp_path / "p.jsonl", text)) == {
        "ann": NewPerson(
            person_id="ann",
            attributes={"plan": "pro", "visits": 3, "address": {"city": "Évora"}},
            email="ann@example.com",
            push_tokens=("one",),
        ),
        "42": NewPerson(person_id="42", attributes={"gone": None}),
    }


@pytest.mark.parametrize("prefix", ["", "\ufeff", "\n\n", "\r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_blank_lines_and_line_ends_make_no_difference(
    tmp_path: Path, prefix: str, end: str
) -> None:
    text = f"{prefix}{HEADER}ann,,pro\n\n,,\n  \nbob,,\n".replace("\n", end).removesuffix(end)
    assert list(people(written(tmp_path / "p.csv", text))) == ["ann", "bob"]


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks_and_the_line_is_that_of_the_first(
    tmp_path: Path,
) -> None:
    text = HEADER + 'ann,,"a, ""b""\nand\nc"\nbob,bad,"x\ny"\neve,bad,\n'
    taker = Taker()
    summary = read(written(tmp_path / "p.csv", text), taker)
    assert taker.people["ann"].attributes == {"plan": 'a, "b"\nand\nc'}
    assert [json.loads(line)["line"] for line in summary.rejects.read_text().splitlines()] == [5, 7]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("ann", "has 1 fields, the header 3"),
        ("ann,,pro,more", "has 4 fields, the header 3"),
        ('ann,"a"b,pro', "closing quote"),
        ('ann,,"never closed', "never closed"),
        ("ann\rbob,,", "carriage return"),
        ("ann,,caf\udce9", "not UTF-8"),
        ("ann,,a\x00b", "NUL"),
        (",,pro", "is required"),
        ("ann,bad,", "mail address"),
        (f"ann,,{'x' * 70_000}", "65536 bytes"),
        (f"ann,,{'x' * 140_000}", "longer than 131072 characters"),
        (f"ann,,{'x' * LONGEST_LINE}", "longer than"),
    ],
)
def test_a_bad_row_is_rejected_with_line_and_reason_and_the_rows_around_it_go_in(
    tmp_path: Path, row: str, reason: str
) -> None:
    data = f"{HEADER}before,,\n{row}\nafter,,\n".encode(errors="surrogateescape")
    taken, rejects = taken_and_rejected(written(tmp_path / "p.csv", data))
    assert taken == ["before", "after"]
    assert [reject["line"] for reject in rejects] == [3]
    assert reason in rejects[0]["reasons"][0]["message"]
    assert len(json.dumps(rejects[0])) < 150_000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "is not JSON"),
        ("[1]", "not a JSON object"),
        ('{"person_id": "ann", "person_id": "bob"}', "twice"),
        ('{"person_id": "ann", "x": NaN}', "NaN"),
        ('{"person_id": "ann", "x": 12345678901234567890}', "too large"),
        ('{"person_id": "ann", "x": -1' + "0" * 5000 + "}", "too large"),
        ('{"person_id": "ann", "x": 1e999}', "finite"),
        ('{"person_id": "ann", "x": "\\ud800"}', "surrogate"),
        ('{"person_id": "ann", "x": ' + "[" * 100_000 + "}", "nested too deeply"),
        ('{"person_id": "ann", "x": ' + "[" * 40 + "]" * 40 + "}", "deeper than"),
        ('{"person_id": "ann", "email": 5}', "must be a string"),
        ('{"person_id": true}', "must be a string"),
        ('{"person_id": "ann", "push_tokens": "one"}', "list of strings"),
        ('{"person_id": "ann", "attributes": []}', "JSON object"),
        ('{"person_id": "ann", "attributes": {"a": 1}, "a": 2}', "two values"),
        ('{"person_id": "ann", "a": 1, "a.b": 2}', "two values"),
        ('{"person_id": "ann", "": 1}', "no place for a column"),
        ('{"person_id": "ann", "consent": {"email": {}}}', "consent.CHANNEL.CATEGORY"),
        ('{"person_id": "ann", "consent.sms.news": "maybe"}', "must be yes or no"),
        ('{"person_id": "ann", "consent.sms.news": true, "Consent.SMS.news": 1}', "two values"),
        ('{"person_id": "ann", "time_zone": "Lisbon"}', "time zone"),
    ],
)
def test_a_bad_json_line_is_rejected_with_line_and_reason(
    tmp_path: Path, row: str, reason: str
) -> None:
    taken, rejects = taken_and_rejected(
        written(
            tmp_path / "p.jsonl", f'{{"person_id": "before"}}\n{row}\n{{"person_id": "after"}}\n'
        )
    )
    assert taken == ["before", "after"]
    assert [reject["line"] for reject in rejects] == [2]
    assert reason in rejects[0]["reasons"][0]["message"]


def test_all_that_is_wrong_with_a_row_is_told_and_the_row_is_kept(tmp_path: Path) -> None:
    _, (reject,) = taken_and_rejected(
        written(tmp_path / "p.csv", "person_id,phone,locale\nann,1,?\n")
    )
    assert {reason["field"] for reason in reject["reasons"]} == {"phone", "locale"}
    assert reject["row"] == {"person_id": "ann", "phone": "1", "locale": "?"}
    assert "line" in reject


def test_a_cell_of_an_id_is_trimmed_as_those_of_addresses_are(tmp_path: Path) -> None:
    text = HEADER + "i1,,a\n i1 ,,b\n"
    assert people(written(tmp_path / "p.csv", text)) == {
        "i1": NewPerson(person_id="i1", attributes={"plan": "b"})
    }


@pytest.mark.parametrize("person_id", [".", "..", " . ", "i\u200b1"])
def test_an_id_that_no_path_can_name_is_rejected(tmp_path: Path, person_id: str) -> None:
    taken, (reject,) = taken_and_rejected(
        written(tmp_path / "p.csv", f"{HEADER}{person_id},,a\nbob,,b\n")
    )
    assert list(taken) == ["bob"]
    assert [reason["field"] for reason in reject["reasons"]] == ["person_id"]


def test_of_two_rows_with_one_id_the_later_holds(tmp_path: Path) -> None:
    for batch_rows in (1, 10):
        found = people(
            written(tmp_path / "p.csv", HEADER + "ann,,a\nbob,,b\nann,,c\n"), batch_rows=batch_rows
        )
        assert found["ann"].attributes == {"plan": "c"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\x1f\x8brest", "compressed"),
        (b"id;email\nann;\n", "--delimiter ';'"),
        (b"id\temail\nann\t\n", "--delimiter tab"),
        (b"id,email\nann,\n", "--map COLUMN=person_id"),
        (b"person_id,email,email\n", "there twice"),
        (b"person_id,,email\n", "column 2 has no name"),
        (b"person_id,a,a.b\n", "both go to attributes.a"),
        (b"person_id,a,attributes.a\n", "both go to attributes.a"),
        (b'person_id,"a\n', "header cannot be read"),
        (b"person_id,\xff\n", "header cannot be read"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_before_anything_is_put(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    taker = Taker()
    with pytest.raises(ImportStopped, match=reason):
        read(written(tmp_path / "p.csv", content), taker)
    assert taker.calls == []


def test_a_file_with_a_header_alone_has_nobody(tmp_path: Path) -> None:
    assert people(written(tmp_path / "p.csv", HEADER)) == {}


def test_the_format_must_be_known(tmp_path: Path) -> None:
    file = written(tmp_path / "people.txt", HEADER + "ann,,\n")
    with pytest.raises(ImportStopped, match="--format"):
        read(file)
    assert list(people(file, format="csv")) == ["ann"]


def test_rejects_cannot_go_to_the_file_itself(tmp_path: Path) -> None:
    file = written(tmp_path / "p.csv", HEADER)
    with pytest.raises(ImportStopped, match="rejects"):
        read(file, rejects=file)
    assert file.read_text() == HEADER


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportStopped, match=r"no\.csv"):
        read(tmp_path / "no.csv")
