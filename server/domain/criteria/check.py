"""Checks the criteria of a request, together with all else that is wrong with it."""

from __future__ import annotations

from server.domain.criteria.parse import parse_criteria
from server.domain.validation import Checks


def check_criteria(checks: Checks, field: str, document: object) -> None:
    """Adds the first thing that makes `document` no criteria, or else every number in it that may
    have been changed on its way."""
    before = checks.count
    checks.attempt(lambda: parse_criteria(document, field))
    if checks.count == before:
        checks.exact_numbers(field, document)
