"""Renders templates that only fill in values, without Liquid's machinery: most are such, and it is
most of the cost of a message.

A plain template is text, variables and variables with a text to stand in for them (`default`),
nothing else. It is filled in with exactly what Liquid makes of it, or not at all: where a value is
of an unusual kind, something is too large or anything else would go wrong, Liquid renders it, and
says what it has to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from liquid import BoundTemplate, Node, escape
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path, PositionalArgument, StringLiteral

from server.domain.templates.liquid.expressions import OutputByReference
from server.domain.templates.liquid.values import float_text
from server.domain.templates.rendering_limits import MAX_OUTPUT_BYTES

MAX_PIECES = 2_000
"""Most texts and variables of a plain template. With these, and with an output within its limit, a
render's budget of work cannot be used up."""
_LARGE = 2**64
"""Whole numbers from here on are Liquid's: a filter, and at some length Python itself, refuses
them."""
_COMPUTED = frozenset({"now", "today", "size", "first", "last"})
"""Names that Liquid finds a value for where none was given."""


@dataclass(frozen=True, slots=True)
class _Variable:
    path: tuple[str, ...]
    default: str
    """What stands for it if it is missing, null or empty."""


@dataclass(frozen=True, slots=True)
class PlainTemplate:
    """Fills in the values of one field."""

    _pieces: tuple[str | _Variable, ...]
    _escape: Callable[[str], str]
    names: frozenset[str]
    """What it shows, by the names at top level."""

    def fill_in(self, context: Mapping[str, object]) -> str | None:
        """The output; None: let Liquid render it."""
        texts: list[str] = []
        for piece in self._pieces:
            if piece.__class__ is str:
                texts.append(piece)
                continue
            variable = cast(_Variable, piece)
            value: object = context
            try:
                for name in variable.path:
                    if value.__class__ is not dict:
                        return None
                    value = value[name]
            except KeyError:
                value = None
            kind = value.__class__
            if value is None or value == "":
                texts.append(variable.default)
            elif kind is str:
                texts.append(self._escape(value))  # type: ignore[arg-type]  # it is a str
            elif kind is float:
                texts.append(float_text(value))  # type: ignore[arg-type]  # it is a float
            elif kind is int and -_LARGE < value < _LARGE:  # type: ignore[operator]  # it is an int
                texts.append(str(value))
            else:
                return None
        return _whole("".join(texts))


def plain(template: BoundTemplate) -> PlainTemplate | None:
    """The template as a plain one; None if it is not."""
    if len(template.nodes) > MAX_PIECES:
        return None
    pieces = [_piece(node) for node in template.nodes]
    known = tuple(piece for piece in pieces if piece is not None)
    if len(known) < len(pieces):
        return None
    names = frozenset(
        piece.path[0] for piece in known if isinstance(piece, _Variable) and piece.path
    )
    return PlainTemplate(known, _escaped if template.env.autoescape else _as_it_is, names)


def _piece(node: Node) -> str | _Variable | None:
    if type(node) is ContentNode:
        return node.text
    if type(node) is not OutputByReference or type(node.expression) is not FilteredExpression:
        return None
    path, default = node.expression.left, _default(node.expression)
    if type(path) is not Path or default is None:
        return None
    names = tuple(name for name in path.path if isinstance(name, str) and name not in _COMPUTED)
    return _Variable(names, default) if len(names) == len(path.path) else None


def _default(expression: FilteredExpression) -> str | None:
    """The text that stands in for the value; None if more than that happens to it."""
    match expression.filters or []:
        case []:
            return ""
        case [used] if used.name == "default" and len(used.args) == 1:
            (argument,) = used.args
            if type(argument) is PositionalArgument and type(argument.value) is StringLiteral:
                # Part of the template, so it is not escaped in HTML either.
                return argument.value.value
    return None


def _whole(text: str) -> str | None:
    if "\r" in text:
        # Liquid's output stream rewrites line ends.
        return None
    try:
        fits = (len(text) if text.isascii() else len(text.encode())) <= MAX_OUTPUT_BYTES
    except UnicodeEncodeError:
        return None
    return text if fits else None


def _escaped(text: str) -> str:
    return str(escape(text))


def _as_it_is(text: str) -> str:
    return text
