"""Charges every filter and loop of Liquid to the budget of its render (`rendering_budget`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from inspect import Parameter, signature
from typing import Any, TextIO, cast

from liquid import BoundTemplate, Environment, Node, RenderContext, TokenStream
from liquid.builtin.expressions import KeywordArgument, PositionalArgument
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.filter import with_context
from liquid.token import Token

from server.domain.templates.liquid.expressions import (
    CycleTagByReference,
    EchoTagByReference,
    OutputTag,
)
from server.domain.templates.liquid.filters import FILTERS
from server.domain.templates.liquid.values import Misuse, settled, text_of
from server.domain.templates.rendering_budget import (
    MAX_ITERATIONS,
    MAX_VALUE,
    MeteredContext,
    WorkLimitError,
    extent,
)

MAX_OUTPUT_BYTES = 1024 * 1024
"""Largest rendered field, in bytes of UTF-8."""
MAX_INTEGER_BITS = 256
"""Largest whole number a filter may make."""

_FILTER_WORK = 20
_FILTERING = 8
"""Characters that a filter works through for one unit of work."""
_DATE_WORK = 1_000
_MAX_DATE_TEXT = 200

_Filter = Callable[..., Any]


def render_tree(template: BoundTemplate, variables: Mapping[str, object], now: datetime) -> str:
    """What Liquid makes of a template at an instant. Raises the library's errors, and Misuse."""
    context = MeteredContext(template, variables, now)
    buffer = context.get_buffer()
    template.render_with_context(context, buffer)
    return buffer.getvalue()


class _MeteredFor(ForNode):
    __slots__ = ("body_length",)
    body_length: int

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        _charge_body(context, self.body_length)
        return super().render_to_output(context, buffer)


class _MeteredTablerow(TablerowNode):
    __slots__ = ("body_length",)
    body_length: int

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        _charge_body(context, self.body_length)
        return super().render_to_output(context, buffer)


class _MeteredForTag(ForTag):
    node_class = _MeteredFor

    def parse(self, stream: TokenStream) -> Node:
        return _with_body_length(super().parse, stream)


class _MeteredTablerowTag(TablerowTag):
    node_class = _MeteredTablerow

    def parse(self, stream: TokenStream) -> Any:
        return _with_body_length(super().parse, stream)


def _with_body_length(parse: Callable[[TokenStream], Node], stream: TokenStream) -> Node:
    start = stream.current.start_index
    node = cast(_MeteredFor | _MeteredTablerow, parse(stream))
    # The end tag is still the current token here.
    node.body_length = max(stream.current.start_index - start, 1)
    return node


def _charge_body(context: RenderContext, body_length: int) -> None:
    # Read again at once, when the loop starts and its iterations are known.
    cast(MeteredContext, context).body_length = body_length


class MeteredEnvironment(Environment):
    """Liquid without files, with every filter and loop metered."""

    loop_iteration_limit = MAX_ITERATIONS
    output_stream_limit = MAX_OUTPUT_BYTES
    context_depth_limit = 30
    block_nesting_limit = 30
    string_first_and_last = True

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        del self.tags["include"], self.tags["render"]
        for tag in (
            _MeteredForTag,
            _MeteredTablerowTag,
            OutputTag,
            EchoTagByReference,
            CycleTagByReference,
        ):
            self.add_tag(tag)
        self.filters = {name: _metered(name, function) for name, function in FILTERS.items()}

    def error(
        self,
        exc: type[LiquidError] | LiquidError,
        msg: str | None = None,
        token: Token | None = None,
    ) -> None:
        # An expression that ends too early is reported at its end, which has no place in the
        # source; its start has.
        if isinstance(exc, LiquidError) and exc.token is not None and exc.token.start_index < 0:
            exc.token = token
        super().error(exc, msg, token)


def _metered(name: str, function: _Filter) -> _Filter:
    wants_context = "context" in signature(function).parameters
    check = _CHECKS.get(name)

    @with_context
    def call(
        value: object, *arguments: object, context: MeteredContext, **options: object
    ) -> object:
        context.spend(_FILTER_WORK)
        given = [settled(each) for each in (value, *arguments)]
        for each in given:
            context.measure(each, _FILTERING)
        if check:
            check(context, *given)
        if wants_context:
            options["context"] = context
        try:
            result = function(*given, **options)
        except Misuse as misuse:
            raise Misuse(f"{name}: {misuse.text}") from None
        context.measure(result, _FILTERING)
        if isinstance(result, int) and result.bit_length() > MAX_INTEGER_BITS:
            raise WorkLimitError("a number in the template is too large", token=None)
        return result

    # The library looks for it here.
    call.validate = _check_of_arguments(name, function)  # type: ignore[attr-defined]
    return call


def _check_of_arguments(name: str, function: _Filter) -> Callable[..., None]:
    """What refuses a use of the filter with arguments that it does not take."""
    _, *parameters = signature(function).parameters.values()
    takes = [each for each in parameters if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    options = {each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY} - {
        "context"
    }
    least, most = sum(each.default is Parameter.empty for each in takes), len(takes)
    said = (
        f"{most or 'no'} argument{'s' * (most != 1)}"
        if least == most
        else f"{least} to {most} arguments"
    )

    def validate(
        _environment: Environment,
        token: Token,
        _name: str,
        arguments: list[KeywordArgument | PositionalArgument],
    ) -> None:
        named = [each.name for each in arguments if isinstance(each, KeywordArgument)]
        if not least <= len(arguments) - len(named) <= most:
            raise LiquidSyntaxError(f"filter '{name}' takes {said}", token=token)
        for option in named:
            if option not in options:
                raise LiquidSyntaxError(f"filter '{name}' has no option '{option}'", token=token)

    return validate


def _check_replace(
    _context: MeteredContext, value: object, old: object = "", new: object = ""
) -> None:
    _check_product(text_of(value).count(text_of(old)), len(text_of(new)))


def _check_join(_context: MeteredContext, value: object, separator: object = " ") -> None:
    _check_product(extent(value)[0], len(text_of(separator)))


def _check_split(_context: MeteredContext, value: object, separator: object = "") -> None:
    if text_of(value).count(text_of(separator)) > MAX_ITERATIONS * 10:
        raise WorkLimitError("a list in the template is too long", token=None)


def _check_sort(context: MeteredContext, value: object, *_: object) -> None:
    length = extent(value)[0]
    context.spend(length * length.bit_length())


def _check_date(context: MeteredContext, value: object, layout: object = "") -> None:
    context.spend(_DATE_WORK)
    if any(isinstance(each, str) and len(each) > _MAX_DATE_TEXT for each in (value, layout)):
        raise WorkLimitError("a date or its format is too long", token=None)


def _check_product(count: int, length: int) -> None:
    if count * length > MAX_VALUE:
        raise WorkLimitError("a value in the template is too large", token=None)


_CHECKS: Mapping[str, Callable[..., None]] = {
    "replace": _check_replace,
    "join": _check_join,
    "split": _check_split,
    "sort": _check_sort,
    "sort_natural": _check_sort,
    "date": _check_date,
    "in_zone": _check_date,
}
