"""Schemas of variables, and whether variables fit them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.domain.errors import ValidationFailed
from server.domain.templates.variables import check_schema, find_violations
from server.domain.validation import Checks
from storage.model.templates import TemplateVariable, VariableType

VALUES: dict[VariableType, list[Any]] = {
    VariableType.TEXT: ["", "text"],
    VariableType.NUMERIC: [0, -3, 2.5],
    VariableType.FLAG: [True, False],
    VariableType.LIST: [[], [1, "a"]],
    VariableType.MAPPING: [{}, {"a": None}],
}


def fields(variables: list[TemplateVariable]) -> list[str]:
    """The fields a schema is refused for."""
    checks = Checks()
    check_schema(checks, variables)
    try:
        checks.finish()
    except ValidationFailed as error:
        return [violation.field for violation in error.violations]
    return []


@pytest.mark.parametrize("kind", VALUES)
def test_a_type_admits_its_own_values_and_no_others(kind: VariableType) -> None:
    for other, values in VALUES.items():
        assert [kind.admits(value) for value in values] == [kind is other] * len(values)
    assert all(VariableType.ANYTHING.admits(value) for value in VALUES[kind])


@pytest.mark.parametrize(
    "name", ["a", "_", "first_name", "first-name", "A9", "größe", "名前", "n" * 128]
)
def test_names_that_liquid_can_refer_to_are_accepted(name: str) -> None:
    assert fields([TemplateVariable(name)]) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "9a",
        "-a",
        "a b",
        "a.b",
        "a\n",
        "é!",
        "n" * 129,
        "person",
        "brand",
        "campaign",
        "unsubscribe_url",
    ],
)
def test_other_names_and_those_of_the_service_are_refused(name: str) -> None:
    assert fields([TemplateVariable("fine"), TemplateVariable(name)]) == ["variable_schema[1].name"]


@pytest.mark.parametrize("kind", VALUES)
def test_a_default_is_of_its_type(kind: VariableType) -> None:
    for other, values in VALUES.items():
        for value in values:
            assert fields([TemplateVariable("a", kind, default=value)]) == (
                [] if kind is other else ["variable_schema[0].default_value"]
            )


@pytest.mark.parametrize(
    "default", [float("nan"), "a\0b", "x" * 70_000, json.loads("[" * 40 + "]" * 40)]
)
def test_defaults_are_storable_and_not_too_large(default: object) -> None:
    assert fields([TemplateVariable("a", default=default)]) == ["variable_schema"]


SCHEMA = [
    TemplateVariable("must", VariableType.TEXT, required=True),
    TemplateVariable("may", VariableType.NUMERIC),
    TemplateVariable("filled", VariableType.LIST, required=True, default=["x"]),
    TemplateVariable("loose", required=True),
]


@pytest.mark.parametrize(
    ("given", "violations"),
    [
        ({"must": "x", "loose": 0}, []),
        ({"must": "", "loose": False, "may": 1, "filled": [], "more": object()}, []),
        ({}, ["must", "loose"]),
        ({"must": None, "loose": None, "may": None, "filled": None}, ["must", "loose"]),
        ({"must": 5, "may": True, "filled": "x", "loose": []}, ["must", "may", "filled"]),
        ({"must": 5, "may": "5"}, ["must", "may", "loose"]),
    ],
)
def test_each_missing_or_mistyped_variable_is_named_once(
    given: dict[str, object], violations: list[str]
) -> None:
    assert [violation.field for violation in find_violations(SCHEMA, given)] == [
        f"variables.{name}" for name in violations
    ]


def test_no_refusal_repeats_a_value() -> None:
    messages = [
        violation.message
        for violation in find_violations(SCHEMA, {"must": 41001, "may": "secret", "loose": 1})
    ]
    assert messages == ["must be a string", "must be a number"]
