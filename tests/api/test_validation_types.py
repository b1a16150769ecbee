"""Values of the wrong type in JSON: every field of every method with a body, found by the
descriptors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, POLICIES, answer_of, bind, full_path, takes_json
from tests.support.api.scenes import COMMS, MESSAGING, TEMPLATES
from tests.support.api.untouched import MESSAGES, SEGMENTS, Untouched, put

JSON = {"content-type": "application/json"}
ADDRESS = "ana@example.com"
WRONG: dict[str, list[Any]] = {
    "string": [7, 1.5, True, {}, {"a": 1}],
    "bool": ["maybe", 3, {}],
    "number": ["x", ADDRESS, 1.5, True, {}, {"a": 1}],
    "fraction": ["x", ADDRESS, True, {}, {"a": 1}],
    "enum": ["fax", "EMAIL", "", ADDRESS, 1.5, True, {}],
    "google.protobuf.Timestamp": [
        "soon", "", 12, {}, "2031-01-01", "2031-01-01T00:00:00", "2031-13-01T00:00:00Z",
        "2031-02-30T00:00:00Z",
        "2031-01-01T25:00:00Z", "2031-01-01 00:00", "10000-01-01T00:00:00Z", {"seconds": 1},
        ADDRESS,
    ],
    "google.protobuf.Struct": ["x", ADDRESS, 3, True],
    "message": ["x", ADDRESS, 3, True],
    "list of string": [{"a": 1}, [7], [{}], ["x", None, [7]]],
    "list of message": ["x", 3, [ADDRESS], [3], [True]],
}  # fmt: skip
KINDS = {
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_ENUM: "enum",
    FieldDescriptor.CPPTYPE_INT32: "number",
    FieldDescriptor.CPPTYPE_DOUBLE: "fraction",
}


def kind_of(field: FieldDescriptor) -> str:
    """A key of WRONG."""
    if field.message_type is not None:
        known = field.message_type.full_name in WRONG
        kind = field.message_type.full_name if known else "message"
    else:
        kind = KINDS.get(field.cpp_type, "string")
    return f"list of {kind}" if field.is_repeated else kind


def fields_of(descriptor: Descriptor, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and kind of each field, those of messages inside included."""
    for field in descriptor.fields:
        kind = kind_of(field)
        yield prefix + field.name, kind
        if kind == "message" and field.message_type is not None:
            yield from fields_of(field.message_type, f"{prefix}{field.name}.")


def body_fields() -> Iterator[tuple[str, str, str]]:
    """Method, field and kind of all that REST carries in a body."""
    for name, method in METHODS.items():
        _, _, rest = bind(method, {field.name: "x" for field in method.input_type.fields})
        if takes_json(name):
            numbers = {"page_size", "revision"}
            yield from (
                (name, path, kind)
                for path, kind in fields_of(method.input_type)
                if path.split(".")[0] in set(rest) - numbers
            )


def check(method: str, answer: Answer, field: str) -> None:
    """The refusal has the status of the face and names the field, or an element of it."""
    assert answer.status == POLICIES[full_path(METHODS[method])].invalid_argument_status, answer
    assert answer.error in ("malformed_request", "validation_failed"), answer
    (named,) = answer.fields
    assert named == field or named.startswith(f"{field}["), answer


async def test_a_value_of_the_wrong_type(untouched_rest: Untouched) -> None:
    seen: set[str] = set()
    for method, field, kind in body_fields():
        # What is said of a value depends on its kind, and of a field on its path.
        for bad in WRONG[kind][:2] if kind in seen else WRONG[kind]:
            request = put(untouched_rest.good(method), field, bad)
            check(method, await untouched_rest.refuses(method, request), field)
        seen.add(kind)


async def test_a_list_where_none_belongs(untouched_rest: Untouched) -> None:
    for method, field, kind in body_fields():
        if kind.startswith("list"):
            continue
        # The transcoder tells the message around the field and not the field.
        parent = field.rpartition(".")[0]
        request = put(untouched_rest.good(method), field, ["x"])
        answer = await untouched_rest.refuses(method, request)
        assert answer.status == POLICIES[full_path(METHODS[method])].invalid_argument_status
        message = (
            f"{parent} has a field that must not be a list"
            if parent
            else "a field must not be a list"
        )
        assert (answer.error, answer.body["message"]) == ("malformed_request", message), method


@pytest.mark.parametrize("method", [f"{COMMS}/SendCampaign", f"{MESSAGING}/PublishCampaign"])
async def test_a_recipient_of_the_wrong_type(untouched_rest: Untouched, method: str) -> None:
    for name in ("person_id", "recipient"):
        bad_values: tuple[Any, ...] = (7, True, {})
        for bad in bad_values:
            request = untouched_rest.good(method)
            request["recipients"][1][name] = bad
            answer = await untouched_rest.refuses(method, request)
            assert (answer.error, answer.fields) == (
                "malformed_request",
                {f"recipients[1].{name}"},
            ), answer


NULLS = [
    (f"{MESSAGES}/ScheduleMessage", "recipient"),
    (f"{MESSAGES}/ScheduleMessage", "channel"),
    (f"{MESSAGES}/ScheduleMessage", "scheduled_at"),
    (f"{MESSAGING}/ScheduleCampaign", "scheduled_at"),
    (f"{COMMS}/SendCampaign", "recipients"),
    (f"{SEGMENTS}/CreateSegment", "predicate"),
]


async def test_null_is_absent(untouched_rest: Untouched) -> None:
    for method, field in NULLS:
        request = put(untouched_rest.good(method), field, None)
        await untouched_rest.refuses_field(method, request, field)


IN_THE_PATH = [
    (f"{COMMS}/SendCampaign", "id"),
    (f"{COMMS}/CancelCampaign", "id"),
    (f"{COMMS}/UpdateCampaign", "id"),
    (f"{MESSAGING}/PublishCampaign", "id"),
    (f"{MESSAGING}/ScheduleCampaign", "id"),
    (f"{MESSAGES}/CancelMessage", "id"),
    (f"{TEMPLATES}/CreateTemplateVersion", "id"),
]


async def test_a_body_cannot_say_another_id_than_the_path(untouched_rest: Untouched) -> None:
    for method, field in IN_THE_PATH:
        face = method.partition("/")[0]
        ids = {COMMS: untouched_rest.ids["comms"], MESSAGES: untouched_rest.ids["message"]}
        request = (
            {"id": ids[face]}
            if method.endswith(("CancelCampaign", "CancelMessage"))
            else untouched_rest.good(method)
        )
        verb, path, body = bind(METHODS[method], request)
        body[field] = "other"
        response = await untouched_rest.send(verb, path, json=body)
        check(method, answer_of(response, body), field)


async def test_bodies_that_are_no_object_of_the_contract(untouched_rest: Untouched) -> None:
    paths = {
        422: ["/v1/admin/campaigns", "/v1/messages/schedule"],
        400: ["/v1/messaging/campaigns", "/v1/messaging/segments"],
    }
    deep = '{"variables": ' + '{"a":' * 200 + "1" + "}" * 201
    bodies = [
        "{",
        "[]",
        "3",
        '"x"',
        "null",
        "{]",
        '{"a":}',
        "\xff",
        '{"variables": {"n": NaN}}',
        deep,
    ]
    for status, path in ((status, path) for status, some in paths.items() for path in some):
        for body in bodies:
            answer = answer_of(
                await untouched_rest.send(
                    "POST", path, content=body.encode("latin-1"), headers=JSON
                )
            )
            assert (answer.status, answer.error) == (status, "malformed_request"), (
                path,
                body,
                answer,
            )


async def test_an_object_nested_far_too_deep_is_refused_by_its_face(
    untouched_rest: Untouched,
) -> None:
    for method, field in (
        (f"{MESSAGES}/ScheduleMessage", "variables"),
        (f"{SEGMENTS}/CreateSegment", "predicate"),
    ):
        for levels in (34, 40, 60, 90):
            value: dict[str, Any] = {}
            for _ in range(levels):
                value = {"a": value}
            answer = await untouched_rest.refuses(
                method, put(untouched_rest.good(method), field, value)
            )
            assert answer.status == POLICIES[full_path(METHODS[method])].invalid_argument_status, (
                levels,
                answer,
            )
