"""Who is in a segment: JsonLogic (jsonlogic.com), as docs/segments.md teaches it.

`parse_criteria` reads it, `matches_person` says what it means; storage says the same in SQL.
"""

from server.domain.criteria.check import check_criteria
from server.domain.criteria.evaluate import matches_person
from server.domain.criteria.instants import INSTANT_PATTERN, format_instant, parse_instant
from server.domain.criteria.parse import parse_criteria
from server.domain.criteria.tree import (
    EVERYONE,
    All,
    Always,
    Attribute,
    BuiltIn,
    Constant,
    Criteria,
    Dated,
    Either,
    Equal,
    Holds,
    Less,
    Missing,
    Not,
    OneOf,
    Operand,
    Period,
    Predicate,
    Scalar,
    StartsWith,
    Truthy,
    Variable,
)

__all__ = [
    "EVERYONE",
    "INSTANT_PATTERN",
    "All",
    "Always",
    "Attribute",
    "BuiltIn",
    "Constant",
    "Criteria",
    "Dated",
    "Either",
    "Equal",
    "Holds",
    "Less",
    "Missing",
    "Not",
    "OneOf",
    "Operand",
    "Period",
    "Predicate",
    "Scalar",
    "StartsWith",
    "Truthy",
    "Variable",
    "check_criteria",
    "format_instant",
    "matches_person",
    "parse_criteria",
    "parse_instant",
]
