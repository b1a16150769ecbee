"""Who is in a segment: JsonLogic (jsonlogic.com), as docs/segments.md teaches it.

`parse_criteria` reads it, `matches_person` says what it means; storage says the same in SQL.
"""

from server.domain.criteria.check import check_criteria
from server.domain.criteria.parse import parse_criteria
from storage.model.criteria import (
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
from storage.model.instants import INSTANT_PATTERN, format_instant, parse_instant
from tests.support.criteria_reference import matches_person

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
