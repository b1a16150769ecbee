"""Encodes header fields of mail: any text, in lines that every server takes, read back as it was
meant.

ASCII that fits stays as it is; it is folded at its blanks; what neither fits nor folds is encoded.
Lines are of 76 characters at most, as those with encoded words must be (RFC 2047 section 2); only
an address, which cannot be folded, may be longer.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence

_MAX_LINE = 76
"""Characters, without the line break."""
_MAX_ENCODED_WORD = 75
"""RFC 2047 section 2."""
_ENCODED_WORD = "=?utf-8?b?{}?="
_AROUND = len(_ENCODED_WORD.format(""))
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What no header may have: C0 but for the tab, DEL, C1, separators of lines and paragraphs, halves
of surrogate pairs."""
_WORD = re.compile(r" +[^ ]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""Words of a phrase that need no quotes, RFC 5322 section 3.2.3."""
_QUOTED_IN_STRING = re.compile(r'(["\\])')


def text_field(name: str, text: str) -> str:
    """A field of free text, such as the subject. Control characters are dropped; a tab is a
    blank."""
    if not text.isprintable():
        text = _without_controls(text)
    text = text.strip()
    if len(text) <= _MAX_LINE - 2 - len(name) and _is_legible(text):
        return f"{name}: {text}"
    return _folded(name, _tokens(name, text, _WORD.findall(f" {text}")))


def mailbox_field(name: str, display_name: str, address: str) -> str:
    """A field of one mailbox (From). The address is fit for a header; the name is any text, as in
    `text_field`."""
    phrase = _without_controls(display_name).strip()
    if not phrase:
        return f"{name}: {address}"
    as_is = (
        _WORD.findall(f" {phrase}")
        if _ATOMS.fullmatch(phrase)
        else [' "' + _QUOTED_IN_STRING.sub(r"\\\1", phrase) + '"']
    )
    return _folded(name, [*_tokens(name, phrase, as_is), f" <{address}>"])


def _without_controls(text: str) -> str:
    return CONTROL.sub("", text).replace("\t", " ")


def _is_legible(text: str) -> bool:
    """Whether it can be sent without encoding. What looks like an encoded word cannot: it would be
    shown decoded."""
    return text.isascii() and "=?" not in text


def _tokens(name: str, text: str, as_is: Sequence[str]) -> Iterable[str]:
    """`text` in pieces that begin with a blank and go on one line each: `as_is` if that is
    possible, or else encoded words."""
    room = _MAX_LINE - len(name) - 1
    if _is_legible(text) and len(as_is[0]) <= room and max(map(len, as_is)) <= _MAX_LINE:
        return as_is
    return _encoded_words(text, room - 1)


def _encoded_words(text: str, room: int) -> Iterator[str]:
    """Encoded words after a blank, whole characters in each (RFC 2047 section 5). `room` is what
    the first may take."""
    octets = text.encode()
    start = 0
    while start < len(octets):
        end = start + (room - _AROUND) // 4 * 3
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        yield " " + _ENCODED_WORD.format(base64.b64encode(octets[start:end]).decode("ascii"))
        start, room = end, _MAX_ENCODED_WORD


def _folded(name: str, tokens: Iterable[str]) -> str:
    """As many tokens on each line as it takes."""
    lines = [f"{name}:"]
    for token in tokens:
        if len(lines[-1]) + len(token) <= _MAX_LINE:
            lines[-1] += token
        else:
            lines.append(token)
    return "\r\n".join(lines)
