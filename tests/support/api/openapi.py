"""The OpenAPI document, and what its schemas say of a request or an answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.api.callers import METHODS

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "generated" / "openapi.json").read_text("utf-8")
)
AT: dict[tuple[str, str], dict[str, Any]] = {
    (verb, path): operation
    for path, verbs in DOCUMENT["paths"].items()
    for verb, operation in verbs.items()
}
"""Operations by verb, in lower case, and path."""
_NAMES = {name.replace("/", "."): name for name in METHODS}
METHOD_OF = {
    at: _NAMES[re.sub(r"\.\d+$", "", operation["operationId"])] for at, operation in AT.items()
}
"""The method that each is of, as METHODS names it."""
OPERATION_OF = {METHOD_OF[at]: operation for at, operation in reversed(AT.items())}
"""The first operation of each method."""


def check_answer(method: str, status: int, body: object) -> None:
    """Raises `jsonschema.ValidationError` unless the document says that the method answers so."""
    responses = OPERATION_OF[method]["responses"]
    response = responses.get(str(status), responses["default"])
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    _validate(response["content"]["application/json"]["schema"], body)


def check_body(method: str, body: object) -> None:
    """Raises `jsonschema.ValidationError` unless the document says that the method takes it."""
    content = OPERATION_OF[method]["requestBody"]["content"]
    _validate(content["application/json"]["schema"], body)


def _validate(schema: dict[str, Any], value: object) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    Draft202012Validator(whole).validate(value)
