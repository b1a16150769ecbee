"""Who is in a segment: JsonLogic (jsonlogic.com). So far `{}` (everyone) and equality of an attribute with a constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.domain.errors import ValidationFailed

Scalar = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Everyone:
    """Every person of the brand."""


@dataclass(frozen=True, slots=True)
class Equals:
    """People whose attribute at `path` has this type and value. A missing attribute equals null."""

    path: tuple[str, ...]
    value: Scalar


Criteria = Everyone | Equals


def parse_criteria(document: Mapping[str, object], field: str) -> Criteria:
    """Reads criteria. Raises ValidationFailed, naming the place inside `field`, for anything that is not of this language."""
    if not document:
        return Everyone()
    if len(document) != 1:
        raise ValidationFailed.of(field, "must have exactly one operator")
    ((operator, operands),) = document.items()
    if operator != "==":
        raise ValidationFailed.of(field, "unknown operator; known is ==")
    if not isinstance(operands, list) or len(operands) != 2:
        raise ValidationFailed.of(f"{field}.{operator}", "takes a list of two operands")
    return _parse_equality(operands, f"{field}.{operator}")


def _parse_equality(operands: list[object], field: str) -> Equals:
    variable, constant = operands if isinstance(operands[0], Mapping) else reversed(operands)
    if not isinstance(variable, Mapping) or set(variable) != {"var"} or not isinstance(variable["var"], str) or not variable["var"]:
        raise ValidationFailed.of(field, 'one operand must be {"var": "<attribute>"}')
    if constant is not None and not isinstance(constant, str | int | float | bool):
        raise ValidationFailed.of(field, "one operand must be a string, number, boolean or null")
    return Equals(tuple(variable["var"].split(".")), constant)
