"""Mail as a mail program reads it, by the standard library's parser."""

from __future__ import annotations

import unicodedata
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32
from email.policy import default as modern
from email.utils import parseaddr

_NOT_IN_HEADERS = {"Cc", "Cs", "Zl", "Zp"}


def parse(content: bytes) -> EmailMessage:
    """The message, which must be without defects."""
    parsed = message_from_bytes(content, policy=modern)
    assert isinstance(parsed, EmailMessage)
    assert parsed.defects == []
    return parsed


def text_of(part: EmailMessage) -> str:
    """The text of a part, its lines ended by LF."""
    text = part.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def sender_of(content: bytes) -> tuple[str, str]:
    """Name and address of From, in which there is one mailbox.

    By the older policy: the newer of Python 3.11 leaves blanks between the encoded words of a name,
    against RFC 2047 section 6.2.
    """
    assert len(parse(content)["From"].addresses) == 1
    name, address = parseaddr(message_from_bytes(content, policy=compat32)["From"])
    return str(make_header(decode_header(name))), address


def as_header(text: str) -> str:
    """What is meant to be read of a text in a header."""
    return "".join(
        each
        for each in text.replace("\t", " ")
        if unicodedata.category(each) not in _NOT_IN_HEADERS
    ).strip()
