"""Checks given variables against the schema of a template.

Null counts as absent everywhere, so that a caller can pass on what it does not know. Variables the
schema does not name are let through: one set of variables often serves several templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from server.domain.errors import FieldViolation
from server.domain.validation import Checks
from storage.model.templates import TemplateVariable, VariableType

MAX_VARIABLES = 200
"""Most variables of one template."""
NAME_LENGTH = 128
RESERVED_NAMES = frozenset({"person", "brand", "campaign", "unsubscribe_url"})
"""What the service itself puts before a template; no variable can take the place of these."""

_NAME = re.compile(r"[^\W\d][\w-]*")


_SAID = {
    VariableType.TEXT: "a string",
    VariableType.NUMERIC: "a number",
    VariableType.FLAG: "true or false",
    VariableType.LIST: "a list",
    VariableType.MAPPING: "an object",
}


def is_variable_name(name: str) -> bool:
    """Letters, digits, `_` and `-`, starting with a letter or `_`: what Liquid can refer to by its
    bare name."""
    return len(name) <= NAME_LENGTH and _NAME.fullmatch(name) is not None


def check_schema(checks: Checks, variables: Sequence[TemplateVariable]) -> None:
    """Adds what is wrong with a schema that was given with a version, as `variable_schema`."""
    for index, variable in enumerate(variables):
        field = f"variable_schema[{index}]"
        if not is_variable_name(variable.name):
            checks.add(
                f"{field}.name",
                f"must be letters, digits, '_' and '-', not starting with a digit or '-', at most "
                f"{NAME_LENGTH}",
            )
        elif variable.name in RESERVED_NAMES:
            checks.add(f"{field}.name", "is a name of the service's own")
        check_default(checks, f"{field}.default_value", variable.type, variable.default)
    checks.json_object(
        "variable_schema", {variable.name: variable.default for variable in variables}
    )


def check_default(checks: Checks, field: str, kind: VariableType, default: object) -> None:
    """Adds to `checks` that a default is not of its variable's type."""
    checks.require(default is None or kind.admits(default), field, f"must be {_SAID.get(kind)}")


def find_violations(
    schema: Sequence[TemplateVariable], given: Mapping[str, object], field: str = "variables"
) -> list[FieldViolation]:
    """A violation of the field `variables.<name>` for every variable that is missing or of another
    type, in the schema's order. `field` is what `variables` is called in the request."""
    missing = set(find_missing(schema, given))
    return [
        FieldViolation(
            f"{field}.{variable.name}",
            "is required by the template"
            if variable.name in missing
            else f"must be {_SAID[variable.type]}",
        )
        for variable in schema
        if variable.name in missing or _is_mistyped(variable, given)
    ]


def find_mistyped(
    schema: Sequence[TemplateVariable], given: Mapping[str, object], field: str = "variables"
) -> list[FieldViolation]:
    """The same without those that are missing."""
    mistyped = [variable for variable in schema if _is_mistyped(variable, given)]
    return find_violations(mistyped, given, field)


def find_missing(schema: Sequence[TemplateVariable], given: Mapping[str, object]) -> list[str]:
    """The names of variables that are required and missing, in the schema's order."""
    return [
        variable.name
        for variable in schema
        if variable.required and variable.default is None and given.get(variable.name) is None
    ]


def _is_mistyped(variable: TemplateVariable, given: Mapping[str, object]) -> bool:
    value = given.get(variable.name)
    return value is not None and not variable.type.admits(value)
