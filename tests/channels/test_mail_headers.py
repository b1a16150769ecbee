"""Header fields of mail: what was meant is what a mail program reads, in lines that every server
takes."""

from __future__ import annotations

import re
from dataclasses import replace
from email.header import decode_header
from itertools import takewhile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.channels.email.message import Sender, build_mail
from tests.channels.mail_reading import as_header, parse, sender_of
from tests.support.channels.mail_server import MAIL_FROM, envelope

SENDER = Sender.parse(MAIL_FROM)
ENCODED_WORD = re.compile(r"=\?utf-8\?[bq]\?[!->@-~]*\?=")
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=400)
LONG = st.text(st.sampled_from("ab ,\"'é\u0301Жと🎉👩🏽\u200d🚀=?_"), max_size=400)
CONTROLS = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    "\u2028",
    "\u2029",
    "\ud800",
    "\udfff",
]


def mail_with(
    subject: str | None = "Hello", sender: Sender = SENDER, url: str | None = None
) -> bytes:
    return build_mail(replace(envelope(), subject=subject, unsubscribe_url=url), sender).content


def sender_named(name: str, address: str = "news@acme.example") -> Sender:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return Sender.parse(f'"{quoted}" <{address}>')


def field(content: bytes, name: str) -> list[str]:
    """The lines of a field as they are sent."""
    lines = content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    first = next(at for at, line in enumerate(lines) if line.startswith(f"{name}:"))
    return [lines[first], *takewhile(lambda line: line.startswith(" "), lines[first + 1 :])]


def assert_as_the_rules_want(lines: list[str]) -> None:
    """RFC 5322 2.1.1 and 2.2.3, RFC 2047 2."""
    for line in lines:
        assert len(line) <= 998
        assert line.strip(" ")
        words = ENCODED_WORD.findall(line)
        assert line.count("=?utf-8?") == len(words)
        assert all(len(word) <= 75 for word in words)
        assert not words or len(line) <= 76
        for word in words:
            ((octets, charset),) = decode_header(word)
            # No character is cut in two.
            assert octets.decode(charset)


def test_one_ascii_word_of_1200_letters_is_folded_and_no_blank_added() -> None:
    subject = "x" * 1200
    content = mail_with(subject)
    lines = field(content, "Subject")
    assert max(map(len, lines)) <= 76
    assert all(ENCODED_WORD.search(line) for line in lines)
    assert parse(content)["Subject"] == subject


def test_long_ascii_is_folded_at_its_blanks_and_stays_legible() -> None:
    subject = (
        "Twelve things  to do in the garden, before the summer is over and the birds have gone "
        "south"
    )
    lines = field(mail_with(subject), "Subject")
    assert lines == [
        "Subject: Twelve things  to do in the garden, before the summer is over and",
        " the birds have gone south",
    ]


@pytest.mark.parametrize(
    "subject",
    [
        "", " ", "  two  blanks  within  ", "x" * 67, "x" * 68, "x" * 75 + " y", "y " + "x" * 75,
        "y " + "x" * 76, "a" + " " * 200 + "b",
        "=?utf-8?b?SGk=?=", "=?utf-8?q?=0ABcc:_eve@example.com?=", "a" * 60 + " =?x",
        "a, \"b\" <c@d.example>; (e)",
        "🎉" * 300, "e" + "\u0301" * 300, "e\u0301" * 150, "👩🏽\u200d🚀" * 40,
        "Ж" * 2000, "ﷺ" * 100,
        "aé" * 100,
    ],
)  # fmt: skip
def test_a_subject_is_read_as_it_was_meant(subject: str) -> None:
    content = mail_with(subject)
    assert parse(content)["Subject"] == subject.strip()
    if subject.strip():
        assert_as_the_rules_want(field(content, "Subject"))


@given(WORDS | LONG)
def test_any_subject_is_read_as_it_was_meant(subject: str) -> None:
    content = mail_with(subject)
    assert parse(content)["Subject"] == subject.strip()
    if subject.strip():
        assert_as_the_rules_want(field(content, "Subject"))


def test_no_subject_is_an_empty_one() -> None:
    assert parse(mail_with(None))["Subject"] == ""


def test_control_characters_are_dropped_from_a_subject_and_a_tab_is_a_blank() -> None:
    found = {control: parse(mail_with(f"Hello O{control}Neil"))["Subject"] for control in CONTROLS}
    assert found == {
        control: "Hello O Neil" if control == "\t" else "Hello ONeil" for control in CONTROLS
    }


def test_what_dropping_leaves_is_sent_in_the_simplest_form() -> None:
    assert field(mail_with("Hello O\x92Neil"), "Subject") == ["Subject: Hello ONeil"]
    assert field(mail_with("\x00"), "Subject") == ["Subject: "]


@given(st.text(st.characters(), max_size=300))
def test_any_text_at_all_makes_one_subject(subject: str) -> None:
    content = mail_with(subject)
    assert parse(content)["Subject"] == as_header(subject)


def test_a_sender_of_60_cyrillic_letters_has_encoded_words_within_their_bounds() -> None:
    name = "Ж" * 60
    content = mail_with(sender=Sender.parse(f"{name} <news@acme.example>"))
    lines = field(content, "From")
    assert len(lines) > 1
    assert_as_the_rules_want(lines)
    assert sender_of(content) == (name, "news@acme.example")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Acme", "From: Acme <news@acme.example>"),
        ("Acme & Co", "From: Acme & Co <news@acme.example>"),
        ("", "From: news@acme.example"),
        ("Acme, Inc.", 'From: "Acme, Inc." <news@acme.example>'),
        ('The "Best" \\ Shop', 'From: "The \\"Best\\" \\\\ Shop" <news@acme.example>'),
        ("Two  blanks", 'From: "Two  blanks" <news@acme.example>'),
    ],
)
def test_a_short_ascii_name_is_written_as_it_is(name: str, line: str) -> None:
    assert field(mail_with(sender=sender_named(name)), "From") == [line]


@given(
    WORDS | LONG,
    st.sampled_from(["news@acme.example", f"news@{'a' * 60}.{'b' * 60}.{'c' * 60}.example"]),
)
@example("=?utf-8?q?Acme?=", "news@acme.example")
@example("x" * 1200, "news@acme.example")
@example("long " * 200, "news@acme.example")
@example("Ж" * 32, "news@acme.example")
def test_any_name_of_a_sender_is_read_as_it_was_meant(name: str, address: str) -> None:
    content = mail_with(sender=sender_named(name, address))
    assert sender_of(content) == (name.strip(), address)
    assert_as_the_rules_want(field(content, "From"))


@pytest.mark.parametrize("length", [20, 76, 300, 900])
def test_a_link_to_unsubscribe_stays_whole(length: int) -> None:
    url = "https://mail.example.com/".ljust(length, "u")
    content = mail_with(url=url)
    assert field(content, "List-Unsubscribe") == [f"List-Unsubscribe: <{url}>"]
    assert parse(content)["List-Unsubscribe"] == f"<{url}>"
