"""What the gateway lets through is what the client said, by the words of Python's own JSON and of
protobuf's."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import httpx
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.test_refusals import JSON, error
from tests.support.api.callers import METHODS as EVERY_METHOD
from tests.support.api.callers import bind, full_path, takes_json
from tests.support.upstream import Reply, Upstream, returning

STRUCT = "google.protobuf.Struct"
MOST = 20
METHODS = {name: method for name, method in EVERY_METHOD.items() if takes_json(name)}
# A field that no message has, in every kind of spelling that could be taken for another.
UNKNOWN = [
    "adress",
    "recipient_",
    "RECIPIENTS",
    "person_Id",
    "",
    "ana@example.com",
    "naïve",
    "\U0001f600",
    "a.b",
    "x" * 600,
]


def empty_answer(method: MethodDescriptor) -> Reply:
    """The server takes everything."""
    return returning(message_factory.GetMessageClass(method.output_type)())


def target(method: MethodDescriptor) -> tuple[str, str, set[str]]:
    """How REST calls the method, for things called `email`, and the fields that are in the path."""
    names = {field.name for field in method.input_type.fields}
    verb, path, rest = bind(method, dict.fromkeys(names, "email"))
    return verb, path, names - set(rest)


def walked(field: FieldDescriptor) -> Descriptor | None:
    """The message whose fields are the field's in JSON."""
    message = field.message_type
    return None if message is None or message.full_name.startswith("google.protobuf.") else message


def value_of(field: FieldDescriptor, write: Any) -> Any:
    """A value of the field's type; `write` makes one of a message."""
    inner = walked(field)
    if inner is not None:
        value = write(inner)
    elif field.message_type is not None:
        value = (
            {"a": {"person_id": [1, {"b": None}]}}
            if field.message_type.full_name == STRUCT
            else "2030-01-31T12:00:00Z"
        )
    elif field.enum_type is not None:
        value = field.enum_type.values[1].name
    else:
        numbers = {
            FieldDescriptor.CPPTYPE_BOOL: True,
            FieldDescriptor.CPPTYPE_INT32: 7,
            FieldDescriptor.CPPTYPE_DOUBLE: 1.5,
        }
        value = numbers.get(field.cpp_type, "words")
    return [value, value] if field.is_repeated else value


def full(message: Descriptor, *, camel: bool, skip: Collection[str] = ()) -> dict[str, Any]:
    """An object with every field of the message."""
    fields = {
        field.json_name if camel else field.name: field
        for field in message.fields
        if field.name not in skip
    }
    return {
        name: value_of(field, lambda inner: full(inner, camel=camel))
        for name, field in fields.items()
    }


def arrived(upstream: Upstream, in_path: set[str]) -> Message:
    """The one request that came, without what the path said."""
    (request,) = upstream.requests
    for field in in_path:
        request.ClearField(field)
    return request


@pytest.mark.parametrize("camel", [False, True], ids=["snake_case", "lowerCamel"])
async def test_every_field_of_every_body_has_two_names(
    reading_rest: httpx.AsyncClient, upstream: Upstream, camel: bool
) -> None:
    for name, method in METHODS.items():
        verb, path, in_path = target(method)
        upstream.replies[full_path(method)[1:]] = empty_answer(method)
        upstream.requests.clear()
        body = full(method.input_type, camel=camel, skip=in_path)
        response = await reading_rest.request(verb, path, json=body)
        assert response.status_code < 300, (name, response.text)
        request = arrived(upstream, in_path)
        assert request == json_format.ParseDict(body, type(request)()), name


def problems(value: Any, message: Descriptor, path: str = "") -> Iterator[str]:
    """Paths of what must be refused in a body, by the descriptor. Objects are lists of pairs."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from problems(item, message, f"{path}[{index}]")
    if not isinstance(value, tuple):
        return
    given: set[str] = set()
    known = {name: field for field in message.fields for name in (field.name, field.json_name)}
    dot = path and f"{path}."
    for key, inner in value:
        field = known.get(key)
        if field is None:
            yield dot + (key if key in {"adress", "recipient_", "RECIPIENTS", "person_Id"} else "?")
            continue
        if field.name in given:
            yield dot + field.name
        given.add(field.name)
        within = walked(field)
        if within is not None:
            yield from problems(inner, within, dot + field.name)


def written(value: Any, draw: Any) -> str:
    """The value as JSON, with blanks and escapes wherever they may be."""
    blank = draw(st.sampled_from(["", "", " ", "\n\t"]))
    if isinstance(value, list):
        return f"[{blank}{f',{blank}'.join(written(item, draw) for item in value)}{blank}]"
    if isinstance(value, tuple):
        members = (
            f"{quoted(key, draw)}{blank}:{blank}{written(inner, draw)}" for key, inner in value
        )
        return f"{{{blank}{f'{blank},'.join(members)}{blank}}}"
    if isinstance(value, str):
        return quoted(value, draw)
    return json.dumps(value)


def quoted(text: str, draw: Any) -> str:
    """A string with none, some or all of it escaped."""
    if text and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text) - 1))
        units = text[at].encode("utf-16-be").hex()
        escaped = "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
        return (
            json.dumps(text[:at])[:-1]
            + escaped
            + json.dumps(text[at + 1 :], ensure_ascii=False)[1:]
        )
    return json.dumps(text, ensure_ascii=draw(st.booleans()))


FREE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["recipients", "person_id", "personId", "", '"', "\\"]),
            inner,
            max_size=3,
        ).map(lambda found: tuple(found.items()))
    ),
    max_leaves=6,
)
TEXT = st.text(max_size=6) | st.sampled_from(['{"a": 1, "a": 2}', "\\", '"', '\\"}', "[{]"])


def values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    """Values of the field's type."""
    inner = walked(field)
    if inner is not None:
        one: st.SearchStrategy[Any] = objects(inner)
    elif field.message_type is not None and field.message_type.full_name == STRUCT:
        one = st.dictionaries(TEXT, FREE, max_size=3).map(lambda found: tuple(found.items()))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        one = TEXT
    else:
        one = st.just(value_of(field, None)[0] if field.is_repeated else value_of(field, None))
    return st.lists(one, max_size=3) if field.is_repeated else one


def objects(message: Descriptor, skip: Collection[str] = ()) -> st.SearchStrategy[Any]:
    """Objects of the message, some with fields that it does not have or has twice."""
    known = [
        st.tuples(st.just(name), values(field))
        for field in message.fields
        if field.name not in skip
        for name in sorted({field.name, field.json_name})
    ]
    unknown = st.tuples(st.sampled_from(UNKNOWN), FREE)
    return st.lists(st.one_of(*known, unknown), max_size=4).map(tuple) | st.lists(
        st.one_of(*known), max_size=4
    ).map(tuple)


@pytest.mark.parametrize(
    "name",
    [
        "messaging.CampaignService/PublishCampaign",
        "messaging.CampaignService/UpdateCampaign",
        "messaging.PersonService/BatchPutPeople",
        "messaging.TemplateService/CreateTemplateVersion",
    ],
)
@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(data=st.data())
async def test_a_body_is_refused_for_what_no_message_has_and_else_arrives_whole(
    reading_rest: httpx.AsyncClient, upstream: Upstream, name: str, data: st.DataObject
) -> None:
    method = METHODS[name]
    verb, path, in_path = target(method)
    upstream.replies[full_path(method)[1:]] = empty_answer(method)
    upstream.requests.clear()
    body = data.draw(objects(method.input_type, in_path))
    text = written(body, data.draw)
    response = await reading_rest.request(verb, path, content=text.encode(), headers=JSON)
    expected = list(problems(body, method.input_type))
    if expected:
        assert error(response)[1] == "malformed_request"
        details = response.json()["details"]
        assert [entry["field"] for entry in details["fields"]] == expected[:MOST]
        assert int(details.get("fields_left_out", 0)) == max(0, len(expected) - MOST)
        assert upstream.requests == []
    else:
        assert response.status_code < 300, response.text
        request = arrived(upstream, in_path)
        assert request == json_format.Parse(text, type(request)())
