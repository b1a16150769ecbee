"""The OpenAPI document: valid, whole, and true of what the service answers."""

from __future__ import annotations

import re
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.api.callers import METHODS, POLICIES, full_path
from tests.support.api.documented import OPERATIONS
from tests.support.api.openapi import AT, DOCUMENT, METHOD_OF


def test_it_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_it_has_every_method_and_no_other() -> None:
    assert set(METHOD_OF.values()) == set(METHODS)


def test_it_has_every_documented_operation() -> None:
    assert len(OPERATIONS) == 46
    paths = {(verb, re.sub(r"\{\w+\}", "{}", path)) for verb, path in AT}
    missing = [
        operation
        for operation in OPERATIONS
        if (operation.split()[0].lower(), re.sub(r"\{\w+\}", "{}", operation.split()[1]))
        not in paths
    ]
    assert missing == []


def test_each_operation_says_which_scopes_it_asks_for() -> None:
    for at, operation in AT.items():
        scopes = list(POLICIES[full_path(METHODS[METHOD_OF[at]])].scopes)
        assert operation["security"] == ([{"bearer": scopes}] if scopes else []), at


def test_every_key_of_a_documented_answer_is_in_its_schema() -> None:
    for operation, documented in OPERATIONS.items():
        verb, path = operation.split()
        ours = next(
            each
            for (have, at), each in AT.items()
            if have == verb.lower()
            and re.sub(r"\{\w+\}", "{}", at) == re.sub(r"\{\w+\}", "{}", path)
        )
        for status, answer in documented["responses"].items():
            if status in ours["responses"] and int(status) < 300:
                (media,) = ours["responses"][status]["content"].values()
                schema = answer.get("schema") or {}
                assert keys(schema) <= keys(media["schema"]), operation


def keys(schema: dict[str, Any]) -> set[str]:
    """The keys of an object that a schema is of."""
    if "$ref" in schema:
        return keys(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return set(schema.get("properties", {}))
