"""Writes `generated/openapi.json`: the REST API as OpenAPI 3.1, from the protos and their comments.
Run by `make protos`; the same image always gives the same bytes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from carillon.options.v1 import options_pb2
from described import IMAGE, Described
from generate_rest_contract import DEFAULT_INVALID_ARGUMENT, DEFAULT_SUCCESS, RAW, ROOT, http_rules
from openapi_schemas import Schemas, is_message

Json = dict[str, Any]

TITLE, VERSION = "Carillon", "v1"
ABOUT = (
    "Campaigns and messages for many brands. Every answer has all of its keys, with an explicit "
    "null where there is nothing; an error is {error, message, details}, whoever makes it."
)
REASONS = "carillon.errors.v1.ErrorReason"
REASON_PREFIX = "ERROR_REASON_"
KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same body is answered with the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(protos: Described) -> Json:
    """The whole of it."""
    schemas = Schemas(protos)
    paths: dict[str, Json] = {}
    for service in protos.services:
        for method in service.methods:
            for at, rule in enumerate(http_rules(method)):
                verb = str(rule.WhichOneof("pattern"))
                operation = _operation(schemas, service, method, rule, at)
                paths.setdefault(getattr(rule, verb), {})[verb] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": _short(service.full_name), "description": protos.comment(service.full_name)}
            for service in protos.services
        ],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {"Error": _error_response()},
            "schemas": {"Error": _error(schemas), **dict(sorted(schemas.made.items()))},
        },
    }


def _operation(
    schemas: Schemas, service: ServiceDescriptor, method: MethodDescriptor, rule: HttpRule, at: int
) -> Json:
    path = getattr(rule, str(rule.WhichOneof("pattern")))
    policy = _policy(method)
    comment = schemas.protos.comment(method.full_name)
    name = _short(method.full_name)
    in_path = [field for field in method.input_type.fields if f"{{{field.name}}}" in path]
    left = [field for field in method.input_type.fields if field not in in_path]
    takes_body = rule.body == "*"
    operation: Json = {
        "operationId": f"{name}.{at}" if at else name,
        "tags": [_short(service.full_name)],
        "summary": comment.partition(". ")[0].removesuffix("."),
        "description": comment,
        "security": [] if policy.public else [{"bearer": [policy.scope, *policy.also_scopes]}],
        "parameters": [
            *(_parameter(schemas, field, "path") for field in in_path),
            *(_parameter(schemas, field, "query") for field in ([] if takes_body else left)),
            *([] if policy.public or _only_reads(method) else [KEY]),
        ],
        "responses": dict(_responses(schemas, service, method)),
    }
    if takes_body:
        operation["requestBody"] = _body(schemas, method, {field.name for field in in_path})
    return operation


def _parameter(schemas: Schemas, field: FieldDescriptor, where: str) -> Json:
    if is_message(field):
        raise ValueError(f"{field.full_name}: a message in the query is not supported")
    schema = schemas.of_field(field, is_input=True)
    required = where == "path" or schemas.is_required(field)
    about = {"description": schema.pop("description")} if "description" in schema else {}
    return {"name": field.name, "in": where, "required": required, **about, "schema": schema}


def _body(schemas: Schemas, method: MethodDescriptor, in_path: set[str]) -> Json:
    if method.input_type.full_name == RAW:
        return {"required": True, "content": {"application/json": {"schema": {}}}}
    schema = schemas.of_request(method.input_type, in_path)
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _responses(
    schemas: Schemas, service: ServiceDescriptor, method: MethodDescriptor
) -> Iterator[tuple[str, Json]]:
    of_service = service.GetOptions().Extensions[options_pb2.service]
    success = _policy(method).success_status or DEFAULT_SUCCESS
    yield str(success), {"description": "Success", "content": _content(schemas, method)}
    refused = {"$ref": "#/components/responses/Error"}
    yield str(of_service.invalid_argument_status or DEFAULT_INVALID_ARGUMENT), refused
    if not _policy(method).public:
        yield "401", refused
        yield "403", refused
    yield "default", refused


def _content(schemas: Schemas, method: MethodDescriptor) -> Json:
    if method.output_type.full_name == RAW:
        return {"text/html": {"schema": {"type": "string"}}}
    schema = schemas.of_message(method.output_type, is_input=False)
    return {"text/event-stream" if method.server_streaming else "application/json": {
        "schema": schema
    }}  # fmt: skip


def _error_response() -> Json:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": "Refused", "content": {"application/json": {"schema": schema}}}


def _error(schemas: Schemas) -> Json:
    reasons = schemas.enum(REASONS)
    told = [
        f"* `{value.name.removeprefix(REASON_PREFIX).lower()}`: "
        f"{schemas.protos.comment(f'{REASONS}.{value.name}')}"
        for value in reasons.values
        if value.number
    ]
    return {
        "type": "object",
        "properties": {
            "error": {
                "type": "string",
                "description": "\n".join(["A stable code:", "", *told]),
                "enum": [
                    value.name.removeprefix(REASON_PREFIX).lower()
                    for value in reasons.values
                    if value.number
                ],
            },
            "message": {"type": "string", "description": "For people."},
            "details": {"type": "object", "description": "What it is about; absent if nothing."},
        },
        "required": ["error", "message"],
        "additionalProperties": False,
    }


def _only_reads(method: MethodDescriptor) -> bool:
    return method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS


def _policy(method: MethodDescriptor) -> options_pb2.MethodPolicy:
    found: options_pb2.MethodPolicy = method.GetOptions().Extensions[options_pb2.method]
    return found


def _short(full_name: str) -> str:
    """Without what all names have: `comms.CampaignService`."""
    return full_name.removeprefix("carillon.").replace(".v1.", ".")


def main() -> None:
    """Command line: reads `--image`, writes `--out`."""
    parser = argparse.ArgumentParser(description="Write the OpenAPI document of the protos.")
    parser.add_argument("--image", type=Path, default=IMAGE)
    parser.add_argument("--out", type=Path, default=ROOT / "generated" / "openapi.json")
    arguments = parser.parse_args()
    made = document(Described.read(arguments.image))
    arguments.out.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
