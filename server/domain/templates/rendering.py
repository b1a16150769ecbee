"""Compiles and renders Liquid templates: source in; subject, body and HTML out.

Whoever writes a template or sends a variable may be careless or hostile, so source and render are
bounded (`rendering_scan`, `rendering_limits`), there are no files to include, and error texts never
carry a value. Variables that do not exist are empty. Rendering runs to its end without yielding:
usually tens of microseconds, in the worst case the whole budget, about a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten

from liquid import BoundTemplate, Node, RenderContext
from liquid.builtin.expressions import FilteredExpression
from liquid.exceptions import (
    BlockNestingError,
    FilterArgumentError,
    LiquidError,
    LiquidTypeError,
    OutputStreamLimitError,
    ResourceLimitError,
)

from server.domain.templates.html_text import text_of_html
from server.domain.templates.liquid.expressions import follow_reference
from server.domain.templates.liquid.values import Misuse
from server.domain.templates.rendering_limits import (
    MAX_OUTPUT_BYTES,
    MeteredEnvironment,
    render_tree,
)
from server.domain.templates.rendering_plain import PlainTemplate, plain
from server.domain.templates.rendering_scan import find_flaw

MAX_SOURCE_CHARACTERS = 200_000
"""Longest source of one field."""
LONGEST_REASON = 160
"""Characters of what is wrong with a source: an answer over gRPC has room for a few thousand bytes
of text."""
MAX_SUBJECT_BYTES = 4096
"""Longest rendered subject, in bytes of UTF-8."""

_INTERNAL_WORDS = (
    (re.compile(r"one of \('colon',.*?\)"), "':'"),
    (re.compile(r"a primitive expression"), "a value"),
    (re.compile(r"\bStringLiteral\b"), "a text in quotes"),
    (re.compile(r"\b(Integer|Float)Literal\b"), "a number"),
    (re.compile(r"\b(TrueLiteral|FalseLiteral|RangeLiteral|Nil|Empty|Blank)\b"), "another value"),
    (re.compile(r"integer string conversion limit.*"), "a number is too long"),
)
"""What the library says in its own terms, and what is said instead."""

_PLAIN = MeteredEnvironment()
_HTML = MeteredEnvironment(autoescape=True)


class RenderError(Exception):
    """A template could not be compiled or rendered. `reason` is a stable code; the text is for
    people and carries no variable's value."""

    def __init__(self, reason: str, message: str, *, field: str, line: int | None = None) -> None:
        where = f"{field}, line {line}" if line else field
        super().__init__(f"{where}: {message}")
        self.reason = reason
        self.field = field
        self.line = line


class TemplateSyntaxError(RenderError):
    """The source is not Liquid, or too large or deep to be taken."""


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """Liquid source of a message's fields. None where the channel has no such field."""

    subject: str | None
    body: str
    """Blank: made of the HTML."""
    html: str | None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a person gets. The subject is one line."""

    subject: str | None
    body: str
    html: str | None


@dataclass(frozen=True, slots=True)
class _Field:
    """One field, parsed."""

    tree: BoundTemplate
    plain: PlainTemplate | None
    """The quick way to render it, where there is one."""


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """Parsed once, rendered any number of times."""

    _subject: _Field | None
    _body: _Field | None
    """None: made of the HTML."""
    _html: _Field | None

    @property
    def parsed(self) -> tuple[BoundTemplate, ...]:
        """The syntax trees of the fields there are."""
        return tuple(
            field.tree for field in (self._subject, self._body, self._html) if field is not None
        )

    def may_show(self, name: str) -> bool:
        """Whether the value of a name at top level can be in what is rendered."""
        return any(
            field.plain is None or name in field.plain.names
            for field in (self._subject, self._body, self._html)
            if field
        )

    def render(self, context: Mapping[str, object], now: datetime) -> Rendered:
        """The three fields with `context` filled in: the variables at top level, plus `person`,
        `brand` and `campaign`, as plain JSON values; `now` is what dates take for the present. Only
        HTML is escaped. Raises RenderError: `template_error`, `template_output_too_large`,
        `template_too_complex`."""
        html = None if self._html is None else _render("html", self._html, context, now)
        return Rendered(
            subject=None
            if self._subject is None
            else _one_line(_render("subject", self._subject, context, now)),
            body=_text_part(html or "")
            if self._body is None
            else _render("body", self._body, context, now),
            html=html,
        )


def compile_template(source: TemplateSource) -> CompiledTemplate:
    """Parses every field. Raises TemplateSyntaxError, naming the field and, where there is one, the
    line: `template_syntax_error`, `template_source_too_large`, `template_too_complex`."""
    return CompiledTemplate(
        None if source.subject is None else _compile("subject", source.subject, _PLAIN),
        None
        if source.html is not None and not source.body.strip()
        else _compile("body", source.body, _PLAIN),
        None if source.html is None else _compile("html", source.html, _HTML),
    )


def _compile(field: str, source: str, environment: MeteredEnvironment) -> _Field:
    if len(source) > MAX_SOURCE_CHARACTERS:
        raise TemplateSyntaxError(
            "template_source_too_large",
            f"is longer than {MAX_SOURCE_CHARACTERS} characters",
            field=field,
        )
    if flaw := find_flaw(source):
        raise TemplateSyntaxError(
            "template_syntax_error", flaw.text, field=field, line=_line_at(source, flaw.offset)
        )
    try:
        template = environment.from_string(source)
        _complete(template)
    except LiquidError as error:
        raise _syntax_error(field, source, error) from None
    return _Field(template, plain(template))


def _syntax_error(field: str, source: str, error: LiquidError) -> TemplateSyntaxError:
    # What is missing at the very end has no place of its own.
    line = _line_of(error) or _line_at(source, len(source))
    if isinstance(error, BlockNestingError) or isinstance(error.__cause__, RecursionError):
        return TemplateSyntaxError(
            "template_too_complex",
            "blocks or expressions are nested too deeply",
            field=field,
            line=line,
        )
    said = str(error.message)
    for internal, plain_words in _INTERNAL_WORDS:
        said = internal.sub(plain_words, said)
    # The library quotes tags and filters whole, however long.
    return TemplateSyntaxError(
        "template_syntax_error", shorten(said, LONGEST_REASON), field=field, line=line
    )


def _render(field: str, template: _Field, context: Mapping[str, object], now: datetime) -> str:
    filled_in = None if template.plain is None else template.plain.fill_in(context)
    return _render_liquid(field, template.tree, context, now) if filled_in is None else filled_in


def _render_liquid(
    field: str, template: BoundTemplate, context: Mapping[str, object], now: datetime
) -> str:
    try:
        return render_tree(template, context, now)
    except OutputStreamLimitError:
        raise RenderError(
            "template_output_too_large", "the output is too large", field=field
        ) from None
    except ResourceLimitError as error:
        raise RenderError(
            "template_too_complex", str(error.message), field=field, line=_line_of(error)
        ) from None
    except Misuse as error:
        raise RenderError("template_error", error.text, field=field, line=_line_of(error)) from None
    except (FilterArgumentError, LiquidTypeError) as error:
        # The library's own text quotes the value.
        raise RenderError(
            "template_error",
            "a value does not fit its filter or tag",
            field=field,
            line=_line_of(error),
        ) from None
    except LiquidError as error:
        raise RenderError(
            "template_error", "cannot be rendered", field=field, line=_line_of(error)
        ) from None
    except Exception:  # noqa: BLE001
        # Filters let Python's own errors through (overflow, recursion, bad dates), with values in
        # their texts.
        raise RenderError("template_error", "cannot be rendered", field=field) from None


def _text_part(html: str) -> str:
    text = text_of_html(html)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_OUTPUT_BYTES:
        raise RenderError(
            "template_output_too_large", "the text made of the HTML is too large", field="body"
        )
    return text


def _one_line(subject: str) -> str:
    """Joins the lines, by every separator that Python knows, with one space each. A line break in a
    subject could forge a header."""
    lines = subject.splitlines()
    joined = lines[0].strip() if len(lines) == 1 else " ".join(filter(None, map(str.strip, lines)))
    if (
        len(joined) if joined.isascii() else len(joined.encode("utf-8", "surrogatepass"))
    ) > MAX_SUBJECT_BYTES:
        raise RenderError(
            "template_output_too_large",
            f"is longer than {MAX_SUBJECT_BYTES} bytes",
            field="subject",
        )
    return joined


def _complete(template: BoundTemplate) -> None:
    """Has expressions follow the reference, and refuses unknown filters and arguments, which would
    be reported only when rendering."""
    static = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(static, include_partials=False))
        for expression in follow_reference(node.expressions()):
            if isinstance(expression, FilteredExpression):
                for used in expression.filters or ():
                    used.validate_filter_arguments(template.env)


def _line_of(error: LiquidError) -> int | None:
    token = error.token
    return (
        None
        if token is None or token.start_index < 0
        else _line_at(token.source, token.start_index)
    )


def _line_at(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1
