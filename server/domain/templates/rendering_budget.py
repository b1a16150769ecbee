"""Limits the work of one render: no template can hang the process or fill its memory, whatever it
says and whatever is put into it.

python-liquid's own limits (loop iterations, output, local namespace, depth) miss work that is not a
loop iteration: ranges handed to filters, filters that multiply (`replace`, `join`), long chains of
growing filters, big loop bodies. So every render has a budget of work, and what costs is charged
before it is done: a loop by its iterations and the length of its body, a filter by the size of what
it reads and makes, a variable by its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from liquid import BoundTemplate, RenderContext
from liquid.exceptions import ResourceLimitError
from liquid.token import Token
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

from server.domain.templates.liquid.values import items_of

MAX_VALUE = 1024 * 1024
"""Largest value a filter may take in or make, and the largest sum of all assigned ones, in
characters and elements."""
MAX_ITERATIONS = 10_000
"""Most iterations of one nest of loops, and the longest range."""
MAX_WORK = 4_000_000
"""Budget of one render. One unit is about one character of loop body done once: well under a
microsecond."""
READING = 64
"""Characters compared or copied for one unit of work."""

_LOOKUP_WORK = 10


class WorkLimitError(ResourceLimitError):
    """The template asks for more work or larger values than a render may take."""


class MeteredContext(RenderContext):
    """The state of one render, with its budget."""

    def __init__(
        self, template: BoundTemplate, variables: Mapping[str, object], now: datetime
    ) -> None:
        super().__init__(template, globals=variables)
        self.scope = ReadOnlyChainMap(
            self.locals, self.globals, {"now": now, "today": now.date()}, self.counters
        )
        self.now = now
        self.body_length = 0
        self._work_left = MAX_WORK
        self._assigned: dict[str, int] = {}
        self._assigned_total = 0

    def spend(self, work: int) -> None:
        """Takes `work` from the budget. Raises WorkLimitError when it is used up."""
        self._work_left -= work
        if self._work_left < 0:
            raise WorkLimitError("the template does too much work", token=None)

    def measure(self, value: object, rate: int = READING) -> int:
        """The size of `value`, charged for at `rate` characters a unit. Raises WorkLimitError if it
        is over MAX_VALUE."""
        cells, characters = extent(value)
        self.spend(cells + characters // rate)
        if cells + characters > MAX_VALUE:
            raise WorkLimitError("a value in the template is too large", token=None)
        return cells + characters

    def get(
        self, path: list[object], *, token: Token | None, default: object = UNDEFINED
    ) -> object:
        self.spend(_LOOKUP_WORK)
        value = super().get(path, token=token, default=default)
        if isinstance(value, (str, list, tuple, dict)):
            self.measure(value)
        return value

    def get_item(self, obj: Any, key: Any) -> Any:
        if isinstance(key, bool):
            raise TypeError("true and false are no index")
        if key == "first" and isinstance(obj, dict) and obj and "first" not in obj:
            return items_of(obj)[0]
        return super().get_item(obj, key)

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


def extent(value: object) -> tuple[int, int]:
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
