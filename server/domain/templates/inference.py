"""Infers which variables a template takes from its Liquid.

Every field is walked as it would be rendered. A name is an input where it is neither one of the
service's own nor set by the field itself before. It is required if it is printed somewhere as it
is, and the author shows nowhere, in any field, that it may be absent: by `default`, or by a
condition on it or a loop over it. What is assigned from a variable stands for that variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from liquid import BoundTemplate, Node, RenderContext
from liquid.ast import ConditionalBlockNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.tablerow_tag import TablerowNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

from server.domain.templates.rendering import CompiledTemplate
from server.domain.templates.variables import RESERVED_NAMES, is_variable_name
from storage.model.templates import TemplateVariable

_NOT_INPUTS = RESERVED_NAMES | {"now", "today", "forloop", "tablerowloop"}
"""The service's own names, and Liquid's."""
_CONDITIONS = (
    IfNode,
    UnlessNode,
    ConditionalBlockNode,
    CaseNode,
    MultiExpressionBlockNode,
    ForNode,
    TablerowNode,
)


class _Use(Enum):
    PRINTED = "printed"
    GUARDED = "guarded"
    ASSIGNED = "assigned"


def infer_variables(templates: Iterable[CompiledTemplate]) -> tuple[TemplateVariable, ...]:
    """The variables of a template in all its languages, in the order in which they first appear,
    each of any type.

    A name that only brackets can spell (`['two words']`) cannot be in a schema and is left out.
    """
    uses: dict[str, set[_Use]] = {}
    for template in templates:
        for field in template.parsed:
            for name, use in _Walk(field).uses():
                uses.setdefault(name, set()).add(use)
    return tuple(
        TemplateVariable(name, required=_Use.PRINTED in how and _Use.GUARDED not in how)
        for name, how in uses.items()
        if name not in _NOT_INPUTS and is_variable_name(name)
    )


class _Walk:
    """One field, node by node in the order of the source."""

    def __init__(self, field: BoundTemplate) -> None:
        self._field = field
        self._static = RenderContext(field)
        self._sources: dict[str, frozenset[str]] = {}
        """Names the field has set so far, and the inputs each stands for."""
        self._blocks: list[set[str]] = []
        """Names of loops around the node."""

    def uses(self) -> Iterator[tuple[str, _Use]]:
        """Every use of an input."""
        for node in self._field.nodes:
            yield from self._uses_in(node)

    def _uses_in(self, node: Node) -> Iterator[tuple[str, _Use]]:
        if isinstance(node, AssignNode):
            yield from self._assign(node)
            return
        use = _Use.GUARDED if isinstance(node, _CONDITIONS) else _Use.PRINTED
        for expression in node.expressions():
            yield from self._resolved(_names(expression, use))
        self._sources.update((str(name), frozenset()) for name in node.template_scope())
        self._blocks.append({str(name) for name in node.block_scope()})
        for child in node.children(self._static, include_partials=False):
            yield from self._uses_in(child)
        self._blocks.pop()

    def _assign(self, node: AssignNode) -> Iterator[tuple[str, _Use]]:
        uses = list(self._resolved(_names(node.expression, _Use.ASSIGNED)))
        yield from uses
        self._sources[str(node.name)] = frozenset(
            name for name, use in uses if use is not _Use.GUARDED
        )

    def _resolved(self, uses: Iterable[tuple[str, _Use]]) -> Iterator[tuple[str, _Use]]:
        for name, use in uses:
            if not any(name in block for block in self._blocks):
                for source in self._sources.get(name, (name,)):
                    yield source, use


def _names(expression: Expression, use: _Use) -> Iterator[tuple[str, _Use]]:
    """The first names of the paths in an expression and how each is used. Without recursion:
    conditions can be long chains."""
    pending = [(expression, use)]
    while pending:
        each, how = pending.pop()
        if isinstance(each, Path) and isinstance(each.path[0], str):
            yield each.path[0], how
        parts = (
            _defaulted(each, how)
            if isinstance(each, FilteredExpression)
            else [(child, how) for child in each.children()]
        )
        pending.extend(reversed(list(parts)))


def _defaulted(expression: FilteredExpression, use: _Use) -> Iterator[tuple[Expression, _Use]]:
    """The parts of a chain of filters: what comes before a `default` may be absent, what is given
    to the last one may not."""
    filters = expression.filters or []
    last = max((index for index, used in enumerate(filters) if used.name == "default"), default=-1)
    yield expression.left, _Use.GUARDED if last >= 0 else use
    for index, used in enumerate(filters):
        yield from (
            (argument, _Use.GUARDED if index < last else use) for argument in used.children()
        )
