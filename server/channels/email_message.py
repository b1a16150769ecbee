"""An envelope as an RFC 5322 message.

Header values are checked and encoded here, once, and handed to the email package as finished lines: its own parsing of values that a
program sets decodes what looks like an RFC 2047 word, and folds long addresses and ids wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr

from server.channels.provider import Envelope

# Dot-separated atoms of RFC 5322, and of RFC 6531 beyond ASCII. No quoted strings: nobody has one, and much goes wrong with them.
_ATOM = r"[^\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff()<>\[\]:;@\\,.\"]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAX_LOCAL_PART = 64
_MAX_ADDRESS = 254
"""Octets, RFC 5321 section 4.5.3.1."""


class UnsendableError(Exception):
    """A message that can never be an email. `reason` is `invalid_recipient`, `invalid_subject` or `invalid_content`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sender:
    """Who email comes from."""

    header: str
    """The From header, encoded."""
    address: str

    @classmethod
    def parse(cls, mail_from: str) -> Sender:
        """From `Name <mailbox>` or a bare mailbox, in ASCII but for the name. Raises ValueError."""
        name, address = parseaddr(mail_from)
        try:
            _refuse_control_characters(mail_from, "invalid_sender")
            return cls(formataddr((name, address)), mailbox(address))
        except (UnsendableError, UnicodeEncodeError):
            raise ValueError("not a mailbox that mail can come from") from None

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
    """The complete message. Raises UnsendableError."""
    recipient = mailbox(envelope.address)
    utf8 = not recipient.isascii()
    message = EmailMessage(policy=(SMTPUTF8 if utf8 else SMTP).clone(cte_type="7bit"))
    headers = {
        "From": sender.header,
        "To": recipient,
        "Subject": _subject(envelope.subject or ""),
        "Date": format_datetime(envelope.created_at),
        "Message-ID": f"<{envelope.message_id}@{sender.domain}>",
        "X-Carillon-Message-Id": envelope.message_id,
    }
    for name, value in headers.items():
        message[name] = _Line(name, value)
    try:
        _set_text(message.set_content, envelope.body, "plain")
        if envelope.html is not None:
            _set_text(message.add_alternative, envelope.html, "html")
        content = message.as_bytes()
    except UnicodeEncodeError:
        raise UnsendableError("invalid_content") from None
    return Mail(sender.address, recipient, content, utf8)


def mailbox(address: str) -> str:
    """`address` as one mailbox fit for SMTP, its domain in ASCII. Raises UnsendableError (`invalid_recipient`)."""
    local, _, domain = address.strip(" ").rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise UnsendableError("invalid_recipient") from None
    found = f"{local}@{ascii_domain}"
    fits = len(local.encode("utf-8", "replace")) <= _MAX_LOCAL_PART and len(found.encode("utf-8", "replace")) <= _MAX_ADDRESS
    if not (fits and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain)):
        raise UnsendableError("invalid_recipient")
    return found


class _Line(str):
    """A header value that is already as it goes out. The email package asks it for its name and its folded form."""

    name: str

    def __new__(cls, name: str, value: str) -> _Line:
        line = super().__new__(cls, value)
        line.name = name
        return line

    def fold(self, *, policy: EmailPolicy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _subject(text: str) -> str:
    _refuse_control_characters(text, "invalid_subject")
    text = text.strip()
    # What looks like an encoded word must be encoded itself, or it would be shown decoded.
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    try:
        return Header(text, charset, maxlinelen=76, header_name="Subject").encode(linesep="\r\n")
    except UnicodeEncodeError:
        raise UnsendableError("invalid_subject") from None


def _refuse_control_characters(text: str, reason: str) -> None:
    if _CONTROL.search(text):
        raise UnsendableError(reason)


def _set_text(setter: Callable[..., None], text: str, subtype: str) -> None:
    if _CONTROL_IN_TEXT.search(text):
        # As 7bit these would go out bare, and a NUL or a lone form feed upsets mail servers.
        setter(text, subtype=subtype, cte="base64")
    else:
        setter(text, subtype=subtype)
