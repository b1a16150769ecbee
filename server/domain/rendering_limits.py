"""Liquid with a meter: no template can hang the process or fill its memory, whatever it says and whatever is put into it.

python-liquid's own limits (loop iterations, output, local namespace, depth) miss work that is not a loop iteration: ranges handed to
filters, filters that multiply (`replace`, `join`), long chains of growing filters, big loop bodies. So every render has a budget of
work, and what costs is charged before it is done: a loop by its iterations and the length of its body, a filter by the size of what
it reads and makes, a variable by its size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TextIO, cast

from liquid import BoundTemplate, Environment, Node, RenderContext, TokenStream
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.filter import with_context
from liquid.token import Token
from liquid.undefined import UNDEFINED

MAX_OUTPUT_BYTES = 1024 * 1024
"""Largest rendered field, in bytes of UTF-8."""
MAX_VALUE = 1024 * 1024
"""Largest value a filter may take in or make, and the largest sum of all assigned ones, in characters and elements."""
MAX_ITERATIONS = 10_000
"""Most iterations of one nest of loops, and the longest range."""
MAX_WORK = 4_000_000
"""Budget of one render. One unit is about one character of loop body done once: well under a microsecond."""
MAX_INTEGER_BITS = 256
"""Largest whole number a filter may make."""

_LOOKUP_WORK = 10
_FILTER_WORK = 20
_READING = 64
"""Characters compared or copied for one unit of work."""
_FILTERING = 8
"""Characters that a filter works through for one unit of work."""
_DATE_WORK = 1_000
_MAX_DATE_TEXT = 200
_MAX_MARKUP = 20_000

_Filter = Callable[..., Any]


class WorkLimitError(ResourceLimitError):
    """The template asks for more work or larger values than a render may take."""


class MeteredContext(RenderContext):
    """The state of one render, with its budget."""

    def __init__(self, template: BoundTemplate, **options: Any) -> None:
        super().__init__(template, **options)
        self.body_length = 0
        self._work_left = MAX_WORK
        self._assigned: dict[str, int] = {}
        self._assigned_total = 0

    def spend(self, work: int) -> None:
        """Takes `work` from the budget. Raises WorkLimitError when it is used up."""
        self._work_left -= work
        if self._work_left < 0:
            raise WorkLimitError("the template does too much work", token=None)

    def measure(self, value: object, rate: int = _READING) -> int:
        """The size of `value`, charged for at `rate` characters a unit. Raises WorkLimitError if it is over MAX_VALUE."""
        cells, characters = _extent(value)
        self.spend(cells + characters // rate)
        if cells + characters > MAX_VALUE:
            raise WorkLimitError("a value in the template is too large", token=None)
        return cells + characters

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        self.spend(_LOOKUP_WORK)
        value = super().get(path, token=token, default=default)
        if isinstance(value, (str, list, tuple, dict)):
            self.measure(value)
        return value

    def raise_for_loop_limit(self, length: int = 1) -> None:
        super().raise_for_loop_limit(length)
        self.spend(length * self.body_length)

    def assign(self, key: str, val: Any) -> None:
        # The library adds up every assigned value at every assignment; this keeps the sum.
        size = self.measure(val)
        self._assigned_total += size - self._assigned.get(key, 0)
        self._assigned[key] = size
        if self._assigned_total > MAX_VALUE:
            raise WorkLimitError("the assigned values are too large", token=None)
        self.locals[key] = val


class _MeteredTemplate(BoundTemplate):
    context_class = MeteredContext


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


class BoundedRange(RangeLiteral):
    """A range that refuses to be longer than MAX_ITERATIONS, wherever it is used."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made.stop - made.start > MAX_ITERATIONS:
            raise WorkLimitError("a range in the template is too long", token=None)
        return made


class MeteredEnvironment(Environment):
    """Liquid without files, with every filter and loop metered."""

    template_class = _MeteredTemplate
    loop_iteration_limit = MAX_ITERATIONS
    output_stream_limit = MAX_OUTPUT_BYTES
    context_depth_limit = 30
    block_nesting_limit = 30

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        del self.tags["include"], self.tags["render"]
        self.add_tag(_MeteredForTag)
        self.add_tag(_MeteredTablerowTag)
        for name, function in self.filters.items():
            self.filters[name] = _metered(name, function)

    def error(self, exc: type[LiquidError] | LiquidError, msg: str | None = None, token: Token | None = None) -> None:
        # An expression that ends too early is reported at its end, which has no place in the source; its start has.
        if isinstance(exc, LiquidError) and exc.token is not None and exc.token.start_index < 0:
            exc.token = token
        super().error(exc, msg, token)


def _metered(name: str, function: _Filter) -> _Filter:
    wants_environment = getattr(function, "with_environment", False)
    check = _CHECKS.get(name)

    @with_context
    def call(value: object, *arguments: object, context: MeteredContext, **options: object) -> object:
        context.spend(_FILTER_WORK)
        for each in (value, *arguments):
            context.measure(each, _FILTERING)
        if check:
            check(context, value, *arguments)
        if wants_environment:
            options["environment"] = context.env
        result = function(value, *arguments, **options)
        context.measure(result, _FILTERING)
        if isinstance(result, int) and result.bit_length() > MAX_INTEGER_BITS:
            raise WorkLimitError("a number in the template is too large", token=None)
        return result

    return call


def _check_replace(_context: MeteredContext, value: object, old: object = "", new: object = "", *_: object) -> None:
    _check_product(str(value).count(str(old)), len(str(new)))


def _check_join(_context: MeteredContext, value: object, separator: object = " ", *_: object) -> None:
    _check_product(_extent(value)[0], len(str(separator)))


def _check_split(_context: MeteredContext, value: object, separator: object = "", *_: object) -> None:
    if str(value).count(str(separator)) > MAX_ITERATIONS * 10:
        raise WorkLimitError("a list in the template is too long", token=None)


def _check_uniq(context: MeteredContext, value: object, *_: object) -> None:
    if isinstance(value, (list, tuple)):
        context.spend(len(value) ** 2 // 8)


def _check_date(context: MeteredContext, value: object, layout: object = "", *_: object) -> None:
    context.spend(_DATE_WORK)
    if any(isinstance(each, str) and len(each) > _MAX_DATE_TEXT for each in (value, layout)):
        raise WorkLimitError("a date or its format is too long", token=None)


def _check_markup(context: MeteredContext, value: object, *_: object) -> None:
    length = len(str(value))
    # The parser behind it needs time that grows with the square of broken markup.
    context.spend(length + length**2 // 200)
    if length > _MAX_MARKUP:
        raise WorkLimitError("the text is too long to strip its markup", token=None)


def _check_product(count: int, length: int) -> None:
    if count * length > MAX_VALUE:
        raise WorkLimitError("a value in the template is too large", token=None)


_CHECKS: Mapping[str, Callable[..., None]] = {
    "replace": _check_replace,
    "join": _check_join,
    "split": _check_split,
    "uniq": _check_uniq,
    "date": _check_date,
    "strip_html": _check_markup,
}


def _extent(value: object) -> tuple[int, int]:
    """Elements and characters in `value`, at any depth; counting stops soon after MAX_VALUE."""
    if isinstance(value, str):
        return 0, len(value)
    if isinstance(value, range):
        return len(value), 0
    if not isinstance(value, (list, tuple, dict)):
        return 0, 0
    cells = characters = 0
    pending: list[object] = [value]
    while pending and cells + characters <= MAX_VALUE:
        each = pending.pop()
        cells += 1
        if isinstance(each, str):
            characters += len(each)
        elif isinstance(each, (list, tuple)):
            pending.extend(each)
        elif isinstance(each, dict):
            pending.extend(each)
            pending.extend(each.values())
    return cells, characters
