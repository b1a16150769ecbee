"""Liquid's filters over text. Source: Liquid's reference, `standardfilters.rb`.

Text that is markup stays markup, and what is added to it is escaped: `Markup` sees to that.
"""

from __future__ import annotations

import binascii
import re
import urllib.parse
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable

from liquid.builtin.filters.extra import escapejs as _escaped_for_javascript
from liquid.filter import with_context
from markupsafe import Markup
from markupsafe import escape as _escaped

from server.domain.templates.liquid.values import (
    Misuse,
    integer_of,
    is_empty,
    is_true,
    json_of,
    text_of,
)
from server.domain.templates.rendering_budget import MeteredContext

_WHITE = " \t\n\v\f\r\0"
"""White space as Ruby strips it. A no-break space is none."""
_LINE_END = re.compile(r"\r?\n")
_RUN_OF_BLANKS = re.compile(r"[ \t\n\v\f\r]+")
_UNESCAPED = re.compile(r"[\"'<>]|&(?!(?:[a-zA-Z]+|#[0-9]+);)")
_ENTITIES = {"&": "&amp;", ">": "&gt;", "<": "&lt;", '"': "&quot;", "'": "&#39;"}
_ESCAPES = str.maketrans(_ENTITIES)
_STRIPPED_BLOCKS = (("<script", "</script>"), ("<!--", "-->"), ("<style", "</style>"), ("<", ">"))


def append(value: object, tail: object) -> str:
    """The text with `tail` after it."""
    return text_of(value) + text_of(tail)


def prepend(value: object, head: object) -> str:
    """The text with `head` before it."""
    return text_of(head) + text_of(value)


def capitalize(value: object) -> str:
    """The first letter large, all others small."""
    return text_of(value).capitalize()


def downcase(value: object) -> str:
    """All letters small."""
    return text_of(value).lower()


def upcase(value: object) -> str:
    """All letters large."""
    return text_of(value).upper()


def strip(value: object) -> str:
    """Without white space at both ends."""
    return text_of(value).strip(_WHITE)


def lstrip(value: object) -> str:
    """Without white space at the start."""
    return text_of(value).lstrip(_WHITE)


def rstrip(value: object) -> str:
    """Without white space at the end."""
    return text_of(value).rstrip(_WHITE)


def squish(value: object) -> str:
    """Without white space at the ends, and with one blank for each run of it."""
    return _rewritten(text_of(value).strip(_WHITE), lambda text: _RUN_OF_BLANKS.sub(" ", text))


def strip_newlines(value: object) -> str:
    """Without line ends."""
    return _rewritten(text_of(value), lambda text: _LINE_END.sub("", text))


@with_context
def newline_to_br(value: object, *, context: MeteredContext) -> str:
    """With `<br />` before every line end; in HTML, the text around it is escaped."""
    text = _escaped(text_of(value)) if context.autoescape else text_of(value)
    return _rewritten(text, lambda plain: _LINE_END.sub("<br />\n", plain))


def strip_html(value: object) -> str:
    """Without tags, comments, scripts and styles. It makes text readable, not safe."""
    return _rewritten(text_of(value), _without_tags)


def _without_tags(text: str) -> str:
    for opening, closing in _STRIPPED_BLOCKS:
        text = _without(text, opening, closing)
    return text


def _without(text: str, opening: str, closing: str) -> str:
    """Cuts from each opening to the closing after it; in one pass, where a pattern would start anew
    at each opening."""
    parts, position = [], 0
    while (start := text.find(opening, position)) >= 0 and (
        end := text.find(closing, start + len(opening))
    ) >= 0:
        parts.append(text[position:start])
        position = end + len(closing)
    return "".join([*parts, text[position:]])


def remove(value: object, part: object) -> str:
    """Without any `part`."""
    return replace(value, part, "")


def remove_first(value: object, part: object) -> str:
    """Without the first `part`."""
    return replace_first(value, part, "")


def remove_last(value: object, part: object) -> str:
    """Without the last `part`."""
    return replace_last(value, part, "")


def replace(value: object, part: object, new: object = "") -> str:
    """With `new` for every `part`."""
    return text_of(value).replace(text_of(part), text_of(new))


def replace_first(value: object, part: object, new: object = "") -> str:
    """With `new` for the first `part`."""
    return text_of(value).replace(text_of(part), text_of(new), 1)


def replace_last(value: object, part: object, new: object) -> str:
    """With `new` for the last `part`."""
    text, wanted = text_of(value), text_of(part)
    start = text.rfind(wanted)
    return text if start < 0 else text[:start] + text_of(new) + text[start + len(wanted) :]


def cut(value: object, start: object, length: object = None) -> str | list[object]:
    """So many characters or items from `start` on, one without a length. A negative start counts
    from the end."""
    whole = list(value) if isinstance(value, (list, tuple)) else text_of(value)
    begin, count = integer_of(start), 1 if length is None else integer_of(length)
    if begin < 0:
        begin += len(whole)
    return whole[:0] if count < 0 or not 0 <= begin <= len(whole) else whole[begin : begin + count]


def split(value: object, separator: object) -> list[str]:
    """The parts between the separators, without empty ones at the end: by a blank, at any white
    space; by nothing, into characters."""
    text, mark = text_of(value), text_of(separator)
    if mark == " ":
        return text.split()
    parts = text.split(mark) if mark else list(text)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def truncate(value: object, length: object = 50, ellipsis: object = "...") -> str | None:
    """Cut to so many characters, the ellipsis among them."""
    if value is None:
        return None
    text, most, end = text_of(value), integer_of(length), text_of(ellipsis)
    return text if len(text) <= most else text[: max(most - len(end), 0)] + end


def truncatewords(value: object, words: object = 15, ellipsis: object = "...") -> str | None:
    """Cut to so many words, at least one, with an ellipsis behind them."""
    if value is None:
        return None
    text, most = text_of(value), max(integer_of(words), 1)
    parts = text.split()
    if len(parts) <= most:
        return text
    blank = Markup(" ") if isinstance(text, Markup) else " "
    return blank.join(parts[:most]) + text_of(ellipsis)


@with_context
def escape(value: object, *, context: MeteredContext) -> str | None:
    """With HTML's entities for what is special in it. In HTML nothing is escaped a second time
    after this."""
    if value is None:
        return None
    escaped = str(text_of(value)).translate(_ESCAPES)
    return _marked(escaped, context.autoescape)


@with_context
def escape_once(value: object, *, context: MeteredContext) -> str:
    """Like `escape`, but entities stay as they are."""
    escaped = _UNESCAPED.sub(lambda found: _ENTITIES[found.group()], str(text_of(value)))
    return _marked(escaped, context.autoescape)


@with_context
def escapejs(value: object, *, context: MeteredContext) -> str:
    """For use inside the quotes of a JavaScript string."""
    return str(_escaped_for_javascript(text_of(value), environment=context.env))


@with_context
def safe(value: object, *, context: MeteredContext) -> str:
    """As it is, also in HTML: its author vouches for it."""
    return _marked(text_of(value), context.autoescape)


@with_context
def url_encode(value: object, *, context: MeteredContext) -> str | None:
    """For use in a URL, a blank as `+`."""
    if value is None:
        return None
    encoded = urllib.parse.quote_plus(text_of(value))
    return _marked(encoded, context.autoescape)


def url_decode(value: object) -> str | None:
    """What `url_encode` was given."""
    if value is None:
        return None
    return _read_bytes(urllib.parse.unquote_to_bytes(str(text_of(value)).replace("+", " ")))


def base64_encode(value: object) -> str:
    """In base64 (RFC 4648, 4)."""
    return b64encode(text_of(value).encode()).decode()


def base64_decode(value: object) -> str:
    """The text that base64 stands for."""
    return _read_base64(value, "+/")


def base64_url_safe_encode(value: object) -> str:
    """In base64 with the alphabet for URLs (RFC 4648, 5)."""
    return urlsafe_b64encode(text_of(value).encode()).decode()


def base64_url_safe_decode(value: object) -> str:
    """The text that base64 with the alphabet for URLs stands for."""
    return _read_base64(value, "-_")


def json_text(value: object) -> str:
    """The value as JSON, the keys of objects in order."""
    return json_of(value)


def default(value: object, fallback: object = "", *, allow_false: object = False) -> object:
    """The value, or `fallback` for nil, false and what is empty."""
    absent = value is None if is_true(allow_false) else not is_true(value)
    return fallback if absent or is_empty(value) else value


def _rewritten(text: str, rewrite: Callable[[str], str]) -> str:
    """Rewritten as a plain text, and markup again if it was: only for what cannot make a tag out of
    text that holds none."""
    return _marked(rewrite(str(text)), isinstance(text, Markup))


def _marked(text: str, is_markup: bool) -> str:
    """Text that is not escaped any more: it was, it has nothing to escape, or its author vouches
    for it."""
    return Markup(text) if is_markup else text  # noqa: S704


def _read_base64(value: object, alphabet: str) -> str:
    try:
        return _read_bytes(b64decode(text_of(value), altchars=alphabet.encode(), validate=True))
    except (binascii.Error, ValueError):
        raise Misuse("the text is not base64") from None


def _read_bytes(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Misuse("what it stands for is not text") from None
