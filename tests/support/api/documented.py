"""The documented operations: their schemas, made as strict as the document means them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from jsonschema import Draft202012Validator, FormatChecker, validators

from tests.support.api.callers import METHODS

OPERATIONS: dict[str, dict[str, Any]] = {
    operation["path"]: operation
    for operation in json.loads(
        (Path(__file__).parents[2] / "contract/operations.json").read_text("utf-8")
    )["operations"]
}
METHOD_OF: dict[str, str] = {
    rule.post: name
    for name, method in METHODS.items()
    if (rule := method.GetOptions().Extensions[annotations_pb2.http]).post in OPERATIONS
}
"""Path → method, by the bindings in the protos."""

_formats = FormatChecker(())


@_formats.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or (
        "T" in value and datetime.fromisoformat(value).tzinfo is not None
    )


# JSON Schema calls 1.0 an integer; the contract's counts are written without a point.
_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ),
)


def documented_statuses(path: str) -> set[int]:
    """The statuses an operation documents."""
    return {int(status) for status in OPERATIONS[path]["responses"]}


def validate(path: str, status: int, body: object) -> None:
    """Raises `jsonschema.ValidationError` unless the body is what the operation documents for the
    status: every key and no other."""
    schema = _exact(OPERATIONS[path]["responses"][str(status)]["schema"])
    _Validator.check_schema(schema)
    _Validator(schema, format_checker=_formats).validate(body)


def _exact(schema: dict[str, Any], name: str = "") -> dict[str, Any]:
    strict = dict(schema)
    if "properties" in schema:
        strict["properties"] = {
            key: _exact(child, key) for key, child in schema["properties"].items()
        }
        strict["additionalProperties"] = False
        # Errors document `details` in one face and not in the other; ours have it wherever it says
        # something.
        if "error" in schema["properties"]:
            strict["properties"].setdefault("details", {"type": "object"})
        else:
            strict["required"] = list(schema["properties"])
    if schema.get("type") == "number":
        strict["type"] = "integer"
    if name.endswith("_at"):
        strict["format"] = "date-time"
    return strict
