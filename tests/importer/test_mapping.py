"""From columns to fields, as the operator says."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.domain.contacts.person import NewPerson, SaidConsent
from server.importer.errors import ImportStopped
from server.importer.mapping import Columns
from tests.support.reading import Seen, Taker, read, written


def first(
    tmp_path: Path, text: str, columns: Columns, region: str | None = None, name: str = "p.csv"
) -> NewPerson:
    taker = Taker()
    assert (
        read(written(tmp_path / name, text), taker, columns=columns, region=region).counts.rejected
        == 0
    )
    return next(iter(taker.people.values()))


def test_columns_go_where_the_operator_maps_them(tmp_path: Path) -> None:
    columns = Columns(
        {"id": "person_id", "a=b": "attributes.x.y", "email": "attributes.mail"},
        frozenset({"secret"}),
    )
    person = first(tmp_path, "id,a=b,email,secret\nann,1,not an address,hush\n", columns)
    assert person == NewPerson(
        person_id="ann", attributes={"x": {"y": "1"}, "mail": "not an address"}
    )


@pytest.mark.parametrize("name", ["p.csv", "p.jsonl"])
def test_columns_say_what_people_agreed_to(tmp_path: Path, name: str) -> None:
    columns = Columns({"letters": "consent.email.news"})
    text = {
        "p.csv": "person_id,letters,Consent.SMS.offers,consent.push.news\nann,Yes,0,\n",
        "p.jsonl": '{"person_id": "ann", "letters": true, "Consent.SMS.offers": "no", '
        '"consent.push.news": null}\n',
    }[name]
    assert first(tmp_path, text, columns, name=name) == NewPerson(
        person_id="ann",
        consents=(
            SaidConsent("email", "news", "import", opted_in=True),
            SaidConsent("sms", "offers", "import", opted_in=False),
        ),
    )


def test_of_two_rows_of_a_person_the_later_holds_and_what_only_the_earlier_says_of_consents(
    tmp_path: Path,
) -> None:
    rows = "ann,a@example.com,yes,yes\nann,,,no\n"
    header = "person_id,email,consent.sms.news,consent.email.news\n"
    assert first(tmp_path, header + rows, Columns()) == NewPerson(
        person_id="ann",
        consents=(
            SaidConsent("sms", "news", "import", opted_in=True),
            SaidConsent("email", "news", "import", opted_in=False),
        ),
    )


def test_the_operator_sees_where_each_column_goes(tmp_path: Path) -> None:
    seen = Seen()
    read(
        written(tmp_path / "p.csv", "id,plan,x\n"),
        seen=seen,
        columns=Columns({"id": "person_id"}, frozenset({"x"})),
    )
    assert seen.told == ["columns: id → person_id, plan → attributes.plan, x → (ignored)"]


@pytest.mark.parametrize(
    ("mapped", "ignored", "reason"),
    [
        ({"id": "name"}, (), "'name' is no place"),
        ({"id": "attributes."}, (), "no place"),
        ({"id": "consent.fax.news"}, (), "no place"),
        ({"id": "consent.sms.Late news"}, (), "no place"),
        ({"nobody": "email"}, (), "no column 'nobody'"),
        ({}, ("nobody",), "no column 'nobody'"),
        ({"id": "person_id"}, (), "both go to person_id"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(
    tmp_path: Path, mapped: dict[str, str], ignored: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(ImportStopped, match=reason):
        read(
            written(tmp_path / "p.csv", "person_id,id\nann,1\n"),
            columns=Columns(mapped, frozenset(ignored)),
        )


def test_a_file_has_a_thousand_columns_at_most(tmp_path: Path) -> None:
    names = ",".join(f"c{number}" for number in range(60_000))
    with pytest.raises(ImportStopped, match=r"60,001 columns; at most 1,000"):
        read(written(tmp_path / "p.csv", f"person_id,{names}\nann\n"))
    names = ",".join(f"c{number}" for number in range(999))
    first(tmp_path, f"person_id,{names}\nann{',x' * 999}\n", Columns())


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("5", 5),
        ("-1.5e3", -1500.0),
        ("true", True),
        ("null", None),
        ("007", "007"),
        ("+5", "+5"),
        ("5 ", "5 "),
        ("True", "True"),
        ("NaN", "NaN"),
        ("٣", "٣"),
        ('""', '""'),
    ],
)
def test_cells_are_text_unless_typed(tmp_path: Path, cell: str, value: object) -> None:
    text = f'person_id,x\nann,"{cell.replace(chr(34), chr(34) * 2)}"\n'
    assert first(tmp_path, text, Columns()).attributes == {"x": cell}
    assert first(tmp_path, text, Columns(typed=True)).attributes == {"x": value}


def test_typed_numbers_that_would_change_are_rejected(tmp_path: Path) -> None:
    file = written(tmp_path / "p.csv", "person_id,x\nann,9007199254740993\n")
    assert read(file, columns=Columns(typed=True)).counts.rejected == 1
    assert read(file).counts.rejected == 0


def test_typing_leaves_fields_alone(tmp_path: Path) -> None:
    assert first(tmp_path, "person_id,x\n007,1\n", Columns(typed=True)).person_id == "007"
    assert first(tmp_path, "person_id\n7\n", Columns(typed=True)).person_id == "7"


@pytest.mark.parametrize(
    ("cell", "tokens"),
    [
        ("one", ("one",)),
        ("one; two three", ("one", "two", "three")),
        ('["a b", "c;d"]', ("a b", "c;d")),
    ],
)
def test_push_tokens_of_a_cell(tmp_path: Path, cell: str, tokens: tuple[str, ...]) -> None:
    text = f'person_id,push_tokens\nann,"{cell.replace(chr(34), chr(34) * 2)}"\n'
    assert first(tmp_path, text, Columns()).push_tokens == tokens


def test_a_column_of_attributes_is_a_json_object_and_may_stand_beside_others(
    tmp_path: Path,
) -> None:
    text = 'person_id,attributes,plan\nann,"{""visits"": 3, ""plan2"": null}",pro\n'
    assert first(tmp_path, text, Columns()).attributes == {
        "visits": 3,
        "plan2": None,
        "plan": "pro",
    }


def test_phone_numbers_without_country_code_are_of_the_region(tmp_path: Path) -> None:
    text = "person_id,phone\nann,210 000 001\n"
    assert first(tmp_path, text, Columns(), region="PT").phone == "+351210000001"
    assert read(written(tmp_path / "p.csv", text)).counts.rejected == 1


def test_json_lines_are_mapped_too(tmp_path: Path) -> None:
    columns = Columns({"id": "person_id"}, frozenset({"x"}))
    assert first(tmp_path, '{"id": 7, "x": 1, "y": 2}\n', columns, name="p.jsonl") == NewPerson(
        person_id="7", attributes={"y": 2}
    )
