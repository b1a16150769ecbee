"""Replaces the library's comparisons, loops, ranges and output by those of Liquid's reference.

python-liquid offers no other way to put an expression of one's own than to change the class of
those it has parsed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TextIO

from liquid import RenderContext
from liquid.builtin.expressions import LoopExpression, StringLiteral
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.case_tag import _AnyExpression
from liquid.builtin.tags.cycle_tag import CycleNode, CycleTag
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.expression import Expression
from liquid.token import Token
from markupsafe import escape as _escaped

from server.domain.templates.liquid.values import (
    Misuse,
    contains,
    equal,
    in_order,
    integer_of,
    is_blank,
    is_empty,
    is_number,
    items_of,
    leading_integer,
    settled,
    text_of,
)
from server.domain.templates.rendering_budget import MAX_ITERATIONS, WorkLimitError


def follow_reference(expressions: Iterable[Expression]) -> Iterator[Expression]:
    """Puts the classes of this module in place of the library's, all the way down; yields every
    expression."""
    pending = list(expressions)
    while pending:
        expression = pending.pop()
        pending.extend(expression.children())
        expression.__class__ = _BY_REFERENCE.get(type(expression), type(expression))
        yield expression


def output_of(value: object, autoescape: bool) -> str:
    """What `{{ value }}` prints: a list's items one after the other, all else as text; escaped in
    HTML unless it is markup."""
    if isinstance(value, (list, tuple)):
        return "".join(output_of(each, autoescape) for each in value)
    text = text_of(value)
    return str(_escaped(text)) if autoescape else text


class OutputByReference(OutputNode):
    """The node of `{{ … }}`."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(output_of(self.expression.evaluate(context), context.autoescape))


class OutputTag(Output):
    """`{{ … }}`."""

    node_class = OutputByReference


class _Echo(EchoNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(output_of(self.expression.evaluate(context), context.autoescape))


class EchoTagByReference(EchoTag):
    """`{% echo … %}`."""

    node_class = _Echo


class _Cycle(CycleNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        values = [arg.evaluate(context) for arg in self.args]
        group = self.group.evaluate(context) if self.group else values
        index = context.cycle(text_of(group), len(values))
        return (
            buffer.write(output_of(values[index], context.autoescape)) if index < len(values) else 0
        )


class CycleTagByReference(CycleTag):
    """`{% cycle … %}`."""

    node_class = _Cycle


class _Eq(EqExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return _equal(self.left.evaluate(context), self.right.evaluate(context))


class _Ne(NeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return not _equal(self.left.evaluate(context), self.right.evaluate(context))


class _Any(_AnyExpression):
    """The values of a `when`."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> list[bool]:
        left = self.left.evaluate(context)
        return [_equal(left, each.evaluate(context)) for each in self.expressions]


class _Lt(LtExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return _compare(self, context) in _BELOW


class _Le(LeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return _compare(self, context) in _AT_MOST


class _Gt(GtExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return _compare(self, context) in _ABOVE


class _Ge(GeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return _compare(self, context) in _AT_LEAST


class _Contains(ContainsExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return contains(settled(self.left.evaluate(context)), settled(self.right.evaluate(context)))


_BELOW: Collection[int | None] = (-1,)
_AT_MOST: Collection[int | None] = (-1, 0)
_ABOVE: Collection[int | None] = (1,)
_AT_LEAST: Collection[int | None] = (1, 0)


def _equal(left: object, right: object) -> bool:
    for this, other in ((left, right), (right, left)):
        if isinstance(this, Empty):
            return is_empty(settled(other))
        if isinstance(this, Blank):
            return is_blank(settled(other))
    return equal(settled(left), settled(right))


def _compare(
    expression: LtExpression | LeExpression | GtExpression | GeExpression, context: RenderContext
) -> int | None:
    """As `in_order`; only numbers and texts have an order here, each among their own kind."""
    left, right = (
        settled(expression.left.evaluate(context)),
        settled(expression.right.evaluate(context)),
    )
    if (is_number(left) and isinstance(right, str)) or (isinstance(left, str) and is_number(right)):
        raise Misuse("a number and a text cannot be compared", token=expression.token)
    return (
        in_order(left, right)
        if (is_number(left) and is_number(right))
        or (isinstance(left, str) and isinstance(right, str))
        else None
    )


class _Loop(LoopExpression):
    """What a loop goes over."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> tuple[Iterator[object], int]:
        items = _loop_items(settled(self.iterable.evaluate(context)))
        key = f"{self.identifier}-{self.iterable}"
        if isinstance(self.offset, StringLiteral) and self.offset.value == "continue":
            start = context.stopindex(key)
        else:
            start = self._number(self.offset, context, "offset") or 0
        limit = self._number(self.limit, context, "limit")
        stop = len(items) if limit is None else min(limit + start, len(items))
        chosen = items[max(start, 0) : max(stop, 0)]
        context.stopindex(key, index=start + len(chosen))
        return iter(chosen[::-1] if self.reversed else chosen), len(chosen)

    def _number(self, given: Expression | None, context: RenderContext, what: str) -> int | None:
        value = settled(given.evaluate(context)) if given else None
        if value is None:
            return None
        try:
            return integer_of(value)
        except Misuse:
            raise Misuse(f"the {what} of a loop must be a whole number", token=self.token) from None


def _loop_items(value: object) -> range | list[Any] | tuple[Any, ...]:
    if isinstance(value, (list, tuple, range)):
        return value
    if isinstance(value, dict):
        return items_of(value)
    return [value] if isinstance(value, str) and value else []


class _Range(RangeLiteral):
    """A range that refuses to be longer than MAX_ITERATIONS, wherever it is used."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        first, last = _range_end(settled(start), self.token), _range_end(settled(stop), self.token)
        if last - first >= MAX_ITERATIONS:
            raise WorkLimitError("a range in the template is too long", token=None)
        return range(first, last + 1)


def _range_end(value: object, token: Token) -> int:
    if value is None or isinstance(value, str):
        return leading_integer(value or "")
    try:
        return integer_of(value)
    except Misuse:
        raise Misuse("the ends of a range must be whole numbers", token=token) from None


_BY_REFERENCE: dict[type[Expression], type[Expression]] = {
    EqExpression: _Eq,
    NeExpression: _Ne,
    LtExpression: _Lt,
    LeExpression: _Le,
    GtExpression: _Gt,
    GeExpression: _Ge,
    ContainsExpression: _Contains,
    _AnyExpression: _Any,
    LoopExpression: _Loop,
    RangeLiteral: _Range,
}
