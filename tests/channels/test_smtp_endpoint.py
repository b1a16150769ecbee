"""How `smtp_url` is read."""

from __future__ import annotations

import pytest

from server.channels.email.endpoint import SmtpEndpoint


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtps://mail.example",
            SmtpEndpoint("mail.example", 465, implicit_tls=True, starttls_required=False),
        ),
        (
            "smtps://127.0.0.1:2465",
            SmtpEndpoint("127.0.0.1", 2465, implicit_tls=True, starttls_required=False),
        ),
        (
            "smtp://mail.example",
            SmtpEndpoint("mail.example", 587, implicit_tls=False, starttls_required=True),
        ),
        (
            "smtp://mail.example:25",
            SmtpEndpoint("mail.example", 25, implicit_tls=False, starttls_required=True),
        ),
        (
            "smtp://10.0.0.1",
            SmtpEndpoint("10.0.0.1", 587, implicit_tls=False, starttls_required=True),
        ),
        (
            "smtp://localhost.example",
            SmtpEndpoint("localhost.example", 587, implicit_tls=False, starttls_required=True),
        ),
        (
            "smtp://localhost:1025",
            SmtpEndpoint("localhost", 1025, implicit_tls=False, starttls_required=False),
        ),
        (
            "smtp://LOCALHOST",
            SmtpEndpoint("localhost", 587, implicit_tls=False, starttls_required=False),
        ),
        (
            "smtp://127.8.9.1:25",
            SmtpEndpoint("127.8.9.1", 25, implicit_tls=False, starttls_required=False),
        ),
        ("smtp://[::1]:25", SmtpEndpoint("::1", 25, implicit_tls=False, starttls_required=False)),
        (
            "smtps://ada%40acme:p%2Fa%3Ass%25@mail.example",
            SmtpEndpoint(
                "mail.example",
                465,
                implicit_tls=True,
                starttls_required=False,
                username="ada@acme",
                password="p/a:ss%",
            ),
        ),
    ],
)
def test_a_url_says_where_and_how_safely(url: str, expected: SmtpEndpoint) -> None:
    assert SmtpEndpoint.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "smtp+plain://mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://u:secret@h:port",
        "smtp://u:secret@a..b",
    ],
)
def test_a_url_that_cannot_work_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        SmtpEndpoint.parse(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_password_does_not_show_when_printed() -> None:
    assert "secret" not in repr(SmtpEndpoint.parse("smtps://u:secret@mail.example"))
