"""Every filter that a template can use, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from liquid.builtin.filters.misc import date as _date

from server.domain import liquid_lists as lists
from server.domain import liquid_numbers as numbers
from server.domain import liquid_texts as texts
from server.domain.rendering_budget import MeteredContext


def date_of_library(value: object, layout: object, *, context: MeteredContext) -> str:
    """The library's."""
    return str(_date(value, layout, environment=context.env))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": numbers.absolute,
    "append": texts.append,
    "at_least": numbers.at_least,
    "at_most": numbers.at_most,
    "base64_decode": texts.base64_decode,
    "base64_encode": texts.base64_encode,
    "base64_url_safe_decode": texts.base64_url_safe_decode,
    "base64_url_safe_encode": texts.base64_url_safe_encode,
    "capitalize": texts.capitalize,
    "ceil": numbers.ceil,
    "compact": lists.compact,
    "concat": lists.concat,
    "date": date_of_library,
    "default": texts.default,
    "divided_by": numbers.divided_by,
    "downcase": texts.downcase,
    "escape": texts.escape,
    "escape_once": texts.escape_once,
    "escapejs": texts.escapejs,
    "find": lists.find,
    "find_index": lists.find_index,
    "first": lists.first,
    "floor": numbers.floor,
    "h": texts.escape,
    "has": lists.has,
    "join": lists.join,
    "json": texts.json_text,
    "last": lists.last,
    "lstrip": texts.lstrip,
    "map": lists.map_items,
    "minus": numbers.minus,
    "modulo": numbers.modulo,
    "newline_to_br": texts.newline_to_br,
    "plus": numbers.plus,
    "prepend": texts.prepend,
    "reject": lists.reject,
    "remove": texts.remove,
    "remove_first": texts.remove_first,
    "remove_last": texts.remove_last,
    "replace": texts.replace,
    "replace_first": texts.replace_first,
    "replace_last": texts.replace_last,
    "reverse": lists.reverse,
    "round": numbers.rounded,
    "rstrip": texts.rstrip,
    "safe": texts.safe,
    "size": lists.size,
    "slice": texts.cut,
    "sort": lists.sort,
    "sort_natural": lists.sort_natural,
    "split": texts.split,
    "squish": texts.squish,
    "strip": texts.strip,
    "strip_html": texts.strip_html,
    "strip_newlines": texts.strip_newlines,
    "sum": lists.total_of,
    "times": numbers.times,
    "truncate": texts.truncate,
    "truncatewords": texts.truncatewords,
    "uniq": lists.uniq,
    "upcase": texts.upcase,
    "url_decode": texts.url_decode,
    "url_encode": texts.url_encode,
    "where": lists.where,
}
