"""Makes an RFC 5322 message of an envelope.

The lines are put together here, from the standard library's encoders, and not by its EmailMessage:
that decodes what looks like an RFC 2047 word in a header that a program sets, folds long addresses
and ids wrongly, and takes 1.1 ms for a mail with HTML, which would be most of the cost of sending
it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from server.channels.email.headers import CONTROL, mailbox_field, text_field
from server.channels.provider import Envelope
from server.domain.contacts.email_addresses import normalise_sender

_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAX_LINE = 76
"""Characters, RFC 2045 section 6.7; RFC 5322 allows more, but recommends no more than 78."""
_BOUNDARY_MARK = "=_"
"""Occurs neither in quoted-printable nor in base64."""
_NOT_ASCII = bytes(range(128, 256))


class UnsendableError(Exception):
    """A message that can never be an email. `reason` is `invalid_content`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sender:
    """Who email comes from."""

    header: str
    """The From field, folded."""
    address: str

    @classmethod
    def parse(cls, mail_from: str) -> Sender:
        """From `Name <mailbox>` or a bare mailbox, in ASCII but for the name. Raises ValueError."""
        name, address = parseaddr(mail_from)
        try:
            if CONTROL.search(mail_from):
                raise ValueError
            address = normalise_sender(address)
        except ValueError:
            raise ValueError("not a mailbox that mail can come from") from None
        return cls(mailbox_field("From", name, address), address)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Mail:
    """A message and its SMTP envelope."""

    sender: str
    recipient: str
    content: bytes
    """All lines end in CRLF. 7 bit, unless `utf8`."""
    utf8: bool
    """The recipient's mailbox is not ASCII: only a server with SMTPUTF8 (RFC 6531) can take it."""


def build_mail(envelope: Envelope, sender: Sender) -> Mail:
    """The complete message, the same bytes each time. Raises UnsendableError."""
    headers = [
        sender.header,
        f"To: {envelope.address}",
        text_field("Subject", envelope.subject or ""),
        f"Date: {_date(envelope.created_at, envelope.created_at.tzinfo)}",
        f"Message-ID: <{envelope.message_id}@{sender.domain}>",
        f"X-Carillon-Message-Id: {envelope.message_id}",
        *_unsubscribe_headers(envelope.unsubscribe_url),
        "MIME-Version: 1.0",
    ]
    try:
        content = "\r\n".join([*headers, *_content(envelope), ""]).encode()
    except UnicodeEncodeError:
        raise UnsendableError("invalid_content") from None
    return Mail(sender.address, envelope.address, content, utf8=not envelope.address.isascii())


@lru_cache(maxsize=16)
def _date(instant: datetime, _zone: tzinfo | None) -> str:
    """Mails that were made ready together have the same. The zone is of the key: instants in two
    zones are equal, their dates are not."""
    return format_datetime(instant)


def _unsubscribe_headers(url: str | None) -> list[str]:
    """One-click unsubscribe, RFC 8058 section 3.1. On one line: a URL cannot be folded."""
    return (
        []
        if url is None
        else [f"List-Unsubscribe: <{url}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    )


def _content(envelope: Envelope) -> list[str]:
    """The lines after the message's own headers: one text, or two as alternatives, the better one
    last (RFC 2046 section 5.1.4)."""
    plain = _text_part(envelope.body, "plain")
    if envelope.html is None:
        return plain
    boundary = f"{_BOUNDARY_MARK}{envelope.message_id[:60]}"
    parts = [
        f"--{boundary}",
        *plain,
        f"--{boundary}",
        *_text_part(envelope.html, "html"),
        f"--{boundary}--",
    ]
    return ["Content-Type: multipart/alternative;", f' boundary="{boundary}"', "", *parts]


def _text_part(text: str, subtype: str) -> list[str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    encoding, lines = _encoded(text)
    return [
        f'Content-Type: text/{subtype}; charset="utf-8"',
        f"Content-Transfer-Encoding: {encoding}",
        "",
        *lines,
    ]


def _encoded(text: str) -> tuple[str, list[str]]:
    lines = text.removesuffix("\n").split("\n")
    as_is = text.isascii() and not _CONTROL_IN_TEXT.search(text) and _BOUNDARY_MARK not in text
    if as_is and max(map(len, lines)) <= _MAX_LINE:
        return "7bit", lines
    octets = text.encode()
    # Quoted-printable takes three characters for each octet beyond ASCII, base64 four for any
    # three.
    if len(octets) - len(octets.translate(None, _NOT_ASCII)) > len(octets) // 6:
        return "base64", base64.encodebytes(octets.replace(b"\n", b"\r\n")).decode(
            "ascii"
        ).splitlines()
    return "quoted-printable", binascii.b2a_qp(octets.removesuffix(b"\n")).decode("ascii").split(
        "\n"
    )
