"""JSON schemas of messages, as REST takes and answers them."""

from __future__ import annotations

from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions

from buf.validate import validate_pb2
from carillon.options.v1 import options_pb2
from described import Described
from generate_rest_contract import ALWAYS_SET

Json = dict[str, Any]

WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
}
SCALARS: dict[int, Json] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
}
"""A type that is not here has another form in JSON than its own."""


def is_message(field: FieldDescriptor) -> bool:
    """Whether its JSON is an object of fields of ours."""
    return field.message_type is not None and field.message_type.full_name not in WELL_KNOWN


class Schemas:
    """Makes each message a component once, in two ways: what goes in may leave out, what comes out
    has every key."""

    def __init__(self, protos: Described) -> None:
        self.protos = protos
        self.made: dict[str, Json] = {}

    def of_message(self, message: Descriptor, *, is_input: bool) -> Json:
        """A reference to it."""
        if message.full_name in WELL_KNOWN:
            return dict(WELL_KNOWN[message.full_name])
        name = _short(message.full_name) + (".Input" if is_input else "")
        if name not in self.made:
            self.made[name] = {}  # of itself, it refers to what is being made
            self.made[name] = self._object(message, set(), is_input=is_input)
        return {"$ref": f"#/components/schemas/{name}"}

    def of_request(self, message: Descriptor, in_path: set[str]) -> Json:
        """A body without the fields that the path has."""
        return self._object(message, in_path, is_input=True)

    def of_field(self, field: FieldDescriptor, *, is_input: bool) -> Json:
        """What a field takes or holds, with its comment."""
        schema = (
            self._repeated(field, is_input) if field.is_repeated else self._one(field, is_input)
        )
        if is_input:
            schema |= _limits(field)
        elif _is_nullable(field):
            schema = _or_null(schema)
        text = self.protos.comment(field.full_name)
        if scope := _options(field).Extensions[options_pb2.field_scope]:
            text = f"{text} Asks for the scope `{scope}` besides."
        return schema | ({"description": text} if text else {})

    def is_required(self, field: FieldDescriptor) -> bool:
        """Whether a request must have it."""
        options = _options(field)
        behavior = options.Extensions[field_behavior_pb2.field_behavior]
        return (
            field_behavior_pb2.REQUIRED in behavior
            or options.Extensions[validate_pb2.field].required
        )

    def enum(self, full_name: str) -> EnumDescriptor:
        """An enum of the protos."""
        return self.protos.enum(full_name)

    def _object(self, message: Descriptor, without: set[str], *, is_input: bool) -> Json:
        fields = [field for field in message.fields if field.name not in without]
        required = [field.name for field in fields if not is_input or self.is_required(field)]
        text = self.protos.comment(message.full_name)
        return {
            "type": "object",
            **({"description": text} if text else {}),
            "properties": {field.name: self.of_field(field, is_input=is_input) for field in fields},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }

    def _repeated(self, field: FieldDescriptor, is_input: bool) -> Json:
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            value = self._one(entry.fields_by_name["value"], is_input)
            return {"type": "object", "additionalProperties": value}
        return {"type": "array", "items": self._one(field, is_input)}

    def _one(self, field: FieldDescriptor, is_input: bool) -> Json:
        if field.message_type is not None:
            return self.of_message(field.message_type, is_input=is_input)
        if field.enum_type is not None:
            # What an answer has not set it prints too.
            values = field.enum_type.values
            names = [value.name for value in values if value.number or not is_input]
            return {"type": "string", "enum": names}
        if field.type not in SCALARS:
            raise ValueError(f"{field.full_name}: its type is not supported")
        return dict(SCALARS[field.type])


def _limits(field: FieldDescriptor) -> Json:
    """What of the rules of a field JSON Schema can say."""
    rules = _options(field).Extensions[validate_pb2.field]
    made: Json = {}
    if rules.HasField("string"):
        made["minLength"] = max(rules.string.min_len, int(rules.required))
        made["maxLength"] = rules.string.max_len
        made["pattern"] = rules.string.pattern
    elif rules.HasField("repeated"):
        made["minItems"] = max(rules.repeated.min_items, int(rules.required))
        made["maxItems"] = rules.repeated.max_items
    elif rules.HasField("int32"):
        made |= _range(rules.int32)
    elif rules.HasField("double"):
        made |= _range(rules.double)
    return {key: value for key, value in made.items() if value or key in {"minimum", "maximum"}}


def _range(rules: Any) -> Json:
    names = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
    return {name: getattr(rules, rule) for rule, name in names.items() if rules.HasField(rule)}


def _is_nullable(field: FieldDescriptor) -> bool:
    """As the gateway puts nulls: see generate_rest_contract.py."""
    return field.has_presence and not (
        field.message_type is not None and field.message_type.full_name == ALWAYS_SET
    )


def _or_null(schema: Json) -> Json:
    if "$ref" in schema or not schema:
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema
    made = schema | {"type": [schema["type"], "null"]}
    return made | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def _options(field: FieldDescriptor) -> FieldOptions:
    """With extensions known, whatever pool the field is of."""
    return FieldOptions.FromString(field.GetOptions().SerializeToString())


def _short(full_name: str) -> str:
    return full_name.removeprefix("carillon.").replace(".v1.", ".")
