"""What an envelope looks like as mail, read back by the standard library's parser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtplib.email import parse_address
from hypothesis import example, given
from hypothesis import strategies as st

from server.channels.email.message import Mail, Sender, UnsendableError, build_mail
from server.domain.contacts.addresses import normalise_address
from tests.channels.mail_reading import as_header, parse, sender_of, text_of
from tests.support.channels.mail_server import MAIL_FROM, envelope

SENDER = Sender.parse(MAIL_FROM)
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "X-Carillon-Message-Id", "MIME-Version"]
LINE_BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


def built(**changes: Any) -> Mail | str:
    """The mail, or the reason that there is none."""
    try:
        return build_mail(envelope(**changes), SENDER)
    except UnsendableError as error:
        return error.reason


def own_headers(mail: Mail) -> list[str]:
    return [key for key in parse(mail.content) if not key.startswith("Content-")]


def test_plain_mail_is_exactly_this() -> None:
    zone = timezone(timedelta(hours=2))
    mail = build_mail(
        envelope(body="Hi Ada,\nbye.", created_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=zone)),
        SENDER,
    )
    assert (mail.sender, mail.recipient, mail.utf8) == (
        "news@acme.example",
        "ada@example.com",
        False,
    )
    assert mail.content.decode("ascii").split("\r\n") == [
        "From: Carillon <news@acme.example>",
        "To: ada@example.com",
        "Subject: Hello",
        "Date: Wed, 04 Mar 2026 05:06:07 +0200",
        "Message-ID: <msg-1@acme.example>",
        "X-Carillon-Message-Id: msg-1",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "",
        "Hi Ada,",
        "bye.",
        "",
    ]


def test_one_instant_in_two_zones_has_two_dates() -> None:
    instant = datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC)
    moved = instant.astimezone(timezone(timedelta(hours=2)))
    dates = [
        parse(build_mail(envelope(created_at=each), SENDER).content)["Date"]
        for each in (instant, moved)
    ]
    assert dates == ["Wed, 04 Mar 2026 03:06:07 +0000", "Wed, 04 Mar 2026 05:06:07 +0200"]


def test_html_comes_as_the_better_alternative() -> None:
    parsed = parse(build_mail(envelope(body="plain", html="<p>Grüße</p>"), SENDER).content)
    assert parsed.get_content_type() == "multipart/alternative"
    plain, html = parsed.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (text_of(plain), text_of(html)) == ("plain", "<p>Grüße</p>")
    assert parsed["Message-ID"] == "<msg-1@acme.example>"


def test_no_text_ends_its_part_early() -> None:
    body = "--=_msg-1\nContent-Type: text/html\n\n<script>\n--=_msg-1--\n"
    parsed = parse(build_mail(envelope(body=body, html=body), SENDER).content)
    assert [text_of(part) for part in parsed.iter_parts() if isinstance(part, EmailMessage)] == [
        body.removesuffix("\n")
    ] * 2


def test_the_same_message_is_the_same_bytes() -> None:
    assert build_mail(envelope(html="<p>"), SENDER) == build_mail(envelope(html="<p>"), SENDER)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("short", "7bit"),
        ("x" * 77, "quoted-printable"),
        ("Viele Grüße aus der schönen alten Stadt am Rhein", "quoted-printable"),
        ("Привет, Ада", "base64"),
        ("a\0b", "quoted-printable"),
    ],
)
def test_text_is_encoded_as_it_needs(body: str, encoding: str) -> None:
    parsed = parse(build_mail(envelope(body=body), SENDER).content)
    assert parsed["Content-Transfer-Encoding"] == encoding
    assert text_of(parsed).removesuffix("\n") == body


@pytest.mark.parametrize(
    "mail_from",
    [
        "",
        "nobody",
        "A\n <a@b.example>",
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "zoë@c.example",
    ],
)
def test_a_sender_that_is_no_mailbox_is_refused(mail_from: str) -> None:
    with pytest.raises(ValueError, match="not a mailbox"):
        Sender.parse(mail_from)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")), st.booleans())
def test_any_text_arrives_as_it_was(body: str, html: bool) -> None:
    content = build_mail(envelope(body=body, html=body if html else None), SENDER).content
    parsed = parse(content)
    texts = (
        [text_of(part) for part in parsed.iter_parts() if isinstance(part, EmailMessage)]
        if html
        else [text_of(parsed)]
    )
    assert [text.removesuffix("\n") for text in texts] == [body.removesuffix("\n")] * len(texts)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    TEXTS, TEXTS | st.none(), st.text(), TEXTS, st.integers(1, 4), st.integers(0, 800) | st.none()
)
def test_any_mail_is_read_as_it_was_meant_and_is_7_bit_in_lines_that_smtp_carries(
    body: str, html: str | None, subject: str, name: str, times: int, link_length: int | None
) -> None:
    body, subject, name = (
        body * 10**times,
        subject * 10 ** (times - 1),
        as_header(name) * 10 ** (times - 1),
    )
    link = None if link_length is None else "https://mail.example.com/".ljust(link_length, "u")
    quoted = name.replace("\\", r"\\").replace('"', r"\"")
    sender = Sender.parse(f'"{quoted}" <news@acme.example>')
    content = build_mail(
        envelope(body=body, html=html, subject=subject, unsubscribe_url=link), sender
    ).content

    assert content.isascii()
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    # A bare CR or LF is how one message is smuggled inside another.
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)

    parsed = parse(content)
    assert parsed["Subject"] == as_header(subject)
    assert sender_of(content) == (name.strip(), "news@acme.example")
    assert parsed["List-Unsubscribe"] == (None if link is None else f"<{link}>")
    parts = [part for part in parsed.walk() if not part.is_multipart()]
    assert [as_read(text_of(part)) for part in parts] == [
        as_read(text) for text in (body, html) if text is not None
    ]


def as_read(text: str) -> str:
    """Lines of text end in one way, and the last ends too."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


@given(st.text(), st.text(), st.sampled_from(LINE_BREAKS), st.text())
def test_no_subject_makes_a_header_of_its_own(
    before: str, after: str, line_break: str, name: str
) -> None:
    for subject in (
        f"{before}{line_break}Bcc: {after}",
        f"{before}{after}{name}",
        f"=?utf-8?q?=0D=0A{name}:?= {after}",
    ):
        mail = built(subject=subject)
        assert isinstance(mail, Mail)
        assert own_headers(mail) == HEADERS


ADDRESSES = (
    st.text()
    | st.emails()
    | st.builds(
        "{}@{}".format,
        st.text(min_size=1, max_size=20),
        st.sampled_from(["example.com", "bücher.example"]),
    )
    | st.builds("{}{}@example.com".format, st.text(), st.sampled_from(LINE_BREAKS))
)


@given(ADDRESSES)
@example("o'brien!#$%&*=?^_`{|}~-/@x.example")
@example("zoë@bücher.example")
@example("a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + ".example")
def test_an_address_in_normal_form_is_the_one_recipient_byte_for_byte(address: str) -> None:
    try:
        normal = normalise_address("email", address)
    except ValueError:
        return
    mail = build_mail(envelope(address=normal), SENDER)
    assert f"\r\nTo: {normal}\r\n".encode() in mail.content
    assert mail.recipient == normal == parse_address(mail.recipient)
    assert mail.utf8 is not normal.isascii()
    assert own_headers(mail) == HEADERS
    assert len(parse(mail.content)["To"].addresses) == 1


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada\0@example.com",
        "ada\x7f@example.com",
    ],
)
def test_an_address_that_could_end_its_line_makes_no_envelope(address: str) -> None:
    with pytest.raises(ValueError, match="an address"):
        envelope(address=address)


@pytest.mark.parametrize("field", ["body", "html"])
def test_text_that_is_not_unicode_is_refused(field: str) -> None:
    assert built(**{field: "half a \ud800 pair"}) == "invalid_content"


@pytest.mark.parametrize(
    "message_id", ["", "../../etc/passwd", "a/b", ".hidden", "a b", "a\r\nBcc: x", "x" * 129]
)
def test_an_id_that_could_leave_its_place_makes_no_envelope(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        envelope(message_id)


def test_an_envelope_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        envelope(created_at=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))


def test_a_mail_with_an_unsubscribe_link_has_the_headers_of_rfc_8058() -> None:
    url = f"https://mail.example.com/v1/unsubscribe/{'A' * 70}"
    content = build_mail(envelope(unsubscribe_url=url), SENDER).content
    assert (
        f"\r\nList-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: "
        f"List-Unsubscribe=One-Click\r\n".encode()
        in content
    )
    assert parse(content)["List-Unsubscribe"] == f"<{url}>"


def test_a_mail_without_a_link_has_none_of_its_headers() -> None:
    assert b"List-Unsubscribe" not in build_mail(envelope(), SENDER).content
