"""Makes the text part of a mail that has only HTML: what a reader would see, as lines.

Not `html.parser`: it takes time that grows with the square of broken markup, and a render must end.
This reads any markup in one pass, as browsers do with what is broken: a tag that is never closed
lasts to the end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from server.domain.templates.html_lines import Lines

_TAG = re.compile(
    r"""<(?:
        !--.*?(?:-->|\Z)
      | (?P<closing>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*)
        (?P<attributes>(?:=\s*"[^"]*(?:"|\Z)|=\s*'[^']*(?:'|\Z)|[^>])*+)(?:>|\Z)
      | [!/?][^>]*(?:>|\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]*)))?""")
_END_OF_RAW = {
    name: re.compile(rf"</{name}", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp")
}
_NEVER_SHOWN = frozenset({"script", "style", "title", "template", "svg", "object", "iframe"})
_VOID = frozenset(
    {
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    }
)
_PARAGRAPHS = frozenset(
    {
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "pre",
        "ul",
        "ol",
        "dl",
        "table",
        "figure",
        "hr",
    }
)
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dt",
        "fieldset",
        "figcaption",
    }
)
_BLOCKS |= {
    "footer",
    "form",
    "header",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "option",
    "section",
    "summary",
    "tbody",
    "tfoot",
    "thead",
    "tr",
}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_POINTLESS_LINK = re.compile(r"#|javascript:|data:", re.IGNORECASE)
_ADDRESS_LINK = re.compile(r"(?:mailto|tel|sms):([^?]*)", re.IGNORECASE)


def text_of_html(markup: str) -> str:
    """Paragraphs with a blank line between them, list items with a mark, quotations with `>`, links
    with where they lead, pictures as the text that stands for them; no scripts, styles or comments,
    and nothing that is hidden."""
    reader = _Reader()
    for part in _parts(markup):
        if isinstance(part, str):
            reader.read_text(part)
        else:
            reader.read_tag(part)
    return reader.finish()


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    closing: bool
    source: str
    """Its attributes as written."""

    def attributes(self) -> dict[str, str]:
        """By name in lower case; the first of two equal ones counts."""
        found: dict[str, str] = {}
        for name, *values in _ATTRIBUTE.findall(self.source):
            found.setdefault(name.lower(), html.unescape("".join(values)).strip())
        return found


def _parts(markup: str) -> Iterator[_Tag | str]:
    """Tags, and texts with their entities resolved."""
    position = 0
    while tag := _TAG.search(markup, position):
        if tag.start() > position:
            yield html.unescape(markup[position : tag.start()])
        position = tag.end()
        if name := (tag["name"] or "").lower():
            yield _Tag(name, bool(tag["closing"]), tag["attributes"])
            if name in _END_OF_RAW and not tag["closing"]:
                end = _END_OF_RAW[name].search(markup, position)
                yield markup[position : end.start() if end else len(markup)]
                position = end.start() if end else len(markup)
    yield html.unescape(markup[position:])


class _Reader:
    def __init__(self) -> None:
        self._lines = Lines()
        self._hidden: tuple[str, int] | None = None
        """The element that hides what is in it, and how many of its name are open."""
        self._link: str | None = None
        self._preformatted = 0

    def read_text(self, text: str) -> None:
        if not self._hidden:
            self._lines.write(text, as_it_is=self._preformatted > 0)

    def read_tag(self, tag: _Tag) -> None:
        if self._hidden:
            self._read_hidden(tag, *self._hidden)
        elif tag.closing:
            self._close(tag.name)
        else:
            attributes = tag.attributes() if tag.source.strip() else {}
            if tag.name not in _VOID and (tag.name in _NEVER_SHOWN or _is_hidden(attributes)):
                self._hidden = tag.name, 1
            else:
                self._open(tag.name, attributes)

    def finish(self) -> str:
        self._end_link()
        return self._lines.finish()

    def _read_hidden(self, tag: _Tag, name: str, depth: int) -> None:
        if tag.name == name:
            depth += -1 if tag.closing else 1
            self._hidden = (name, depth) if depth else None

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._separate(name)
        match name:
            case "a":
                self._end_link()
                self._link = attributes.get("href", "")
                self._lines.mark()
            case "br":
                self._lines.end_line()
            case "hr":
                self._lines.write("---")
                self._separate(name)
            case "img":
                self._lines.write(attributes.get("alt", ""))
            case "td" | "th":
                self._lines.next_cell()
            case "ul" | "ol":
                start = attributes.get("start", "1")
                self._lines.open_list(
                    None
                    if name == "ul"
                    else int(start)
                    if start.isdecimal() and len(start) < 9
                    else 1
                )
            case "li":
                self._lines.start_item()
            case "blockquote":
                self._lines.open_quotation()
            case "pre":
                self._preformatted += 1

    def _close(self, name: str) -> None:
        match name:
            case "a":
                self._end_link()
            case "pre":
                self._preformatted = max(self._preformatted - 1, 0)
        self._separate(name)
        match name:
            case "ul" | "ol":
                self._lines.close_list()
            case "blockquote":
                self._lines.close_quotation()

    def _separate(self, name: str) -> None:
        if name in _PARAGRAPHS:
            self._lines.end_paragraph()
        elif name in _BLOCKS:
            self._lines.end_block()

    def _end_link(self) -> None:
        target, self._link = self._link, None
        if not target or _POINTLESS_LINK.match(target):
            return
        text = self._lines.since_mark()
        address = _ADDRESS_LINK.match(target)
        shown = address.group(1) if address else "".join(target.split())
        if not text:
            self._lines.write(shown)
        elif shown.rstrip("/") != text.rstrip("/"):
            self._lines.write_after(f"({shown})")


def _is_hidden(attributes: dict[str, str]) -> bool:
    return "hidden" in attributes or _HIDDEN_STYLE.search(attributes.get("style", "")) is not None
