"""The documented operations and their schemas, as strict as the document means them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from jsonschema import Draft202012Validator, FormatChecker, validators

from carillon.options.v1 import options_pb2
from tests.support.api.callers import METHODS

CONTRACT = Path(__file__).parents[2] / "contract"


def _read(name: str) -> dict[str, dict[str, Any]]:
    operations = json.loads((CONTRACT / name).read_text("utf-8"))["operations"]
    return {f"{each['method']} {each['path']}": each for each in operations}


CLOSED = _read("operations.json")
"""Their answers have no key but the documented ones."""
OPERATIONS = CLOSED | _read("reference.json")
"""By method and path, e.g. `GET /v1/messages/{id}`. Answers of those beside CLOSED may have keys
that the protos mark as ours."""


def _binding(method: MethodDescriptor) -> str:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb: Any = rule.WhichOneof("pattern")
    return _unnamed(f"{verb.upper()} {getattr(rule, verb)}")


def _unnamed(operation: str) -> str:
    """An operation whatever the variables of its path are called."""
    return re.sub(r"\{\w+\}", "{}", operation)


_METHOD_AT = {_binding(method): name for name, method in METHODS.items()}
METHOD_OF: dict[str, str] = {
    operation: _METHOD_AT[_unnamed(operation)]
    for operation in OPERATIONS
    if _unnamed(operation) in _METHOD_AT
}
"""Operation → method, by the bindings in the protos."""

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


DOCUMENTED: set[tuple[str, int]] = {
    (operation, int(status))
    for operation in OPERATIONS
    for status in OPERATIONS[operation]["responses"]
}
"""Each operation that a method serves, with each status of it."""


def validate(operation: str, status: int, body: object) -> None:
    """Raises `jsonschema.ValidationError` unless the body is what the operation documents for the
    status: every key and no other but ours."""
    answer = METHODS[METHOD_OF[operation]].output_type if status < 400 else None
    schema = _exact(OPERATIONS[operation]["responses"][str(status)]["schema"], answer)
    _Validator.check_schema(schema)
    _Validator(schema, format_checker=_formats).validate(body)


def ours(message: Descriptor) -> set[str]:
    """The keys of a message beside the documented ones."""
    return {
        field.name for field in message.fields if field.GetOptions().Extensions[options_pb2.ours]
    }


def _exact(schema: dict[str, Any], message: Descriptor | None, name: str = "") -> dict[str, Any]:
    """`message` is what the schema is of, where it is of one."""
    strict = dict(schema)
    if "items" in schema:
        strict["items"] = _exact(schema["items"], message)
    if "properties" in schema:
        strict["properties"] = {
            key: _exact(child, _within(message, key), key)
            for key, child in schema["properties"].items()
        }
        strict["additionalProperties"] = False
        # Errors document `details` in one face and not in the other; ours have it wherever it says
        # something.
        if "error" in schema["properties"]:
            strict["properties"].setdefault("details", {"type": "object"})
        else:
            strict["properties"] |= {key: {} for key in (ours(message) if message else ())}
            strict["required"] = list(strict["properties"])
    if schema.get("type") == "number":
        strict["type"] = "integer"
    if name.endswith("_at"):
        strict["format"] = "date-time"
    return strict


def _within(message: Descriptor | None, key: str) -> Descriptor | None:
    return message.fields_by_name[key].message_type if message is not None else None
