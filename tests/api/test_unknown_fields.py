"""Fields that no message has, and fields given twice, over REST: in every body of every method,
found by the descriptors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor

from tests.api.test_validation_types import JSON
from tests.support.api.answers import Answer
from tests.support.api.callers import (
    METHODS,
    POLICIES,
    answer_of,
    bind,
    full_path,
    takes_body,
    takes_json,
)
from tests.support.api.untouched import Untouched

BODIES = [name for name in METHODS if takes_json(name)]
LINKS = {name for name in METHODS if name.startswith("comms.UnsubscribeService/")}
"""Others on the way add parameters to them, which mean nothing."""
WITHOUT_BODY = [name for name in METHODS if not takes_body(name) and name not in LINKS]
TYPO = "no_such_field"


def messages_in(descriptor: Descriptor, *path: str) -> Iterator[tuple[str, ...]]:
    """The keys to every message within a message."""
    for field in descriptor.fields:
        message = field.message_type
        if message is not None and not message.full_name.startswith("google.protobuf."):
            yield (*path, field.name)
            yield from messages_in(message, *path, field.name)


def nested_bodies() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Method and keys of every message within a body."""
    for name in BODIES:
        yield from ((name, path) for path in messages_in(METHODS[name].input_type))


def with_typo(request: dict[str, Any], descriptor: Descriptor, path: tuple[str, ...]) -> str:
    """Puts a field that does not exist into the message at the keys; returns the path that a
    refusal has to name."""
    if not path:
        request[TYPO] = {"anything": [1]}
        return TYPO
    field = descriptor.fields_by_name[path[0]]
    assert field.message_type is not None
    if field.is_repeated:
        items = [*request.get(field.name, []), {}]
        request[field.name] = items
        return f"{field.name}[{len(items) - 1}]." + with_typo(
            items[-1], field.message_type, path[1:]
        )
    return f"{field.name}." + with_typo(
        request.setdefault(field.name, {}), field.message_type, path[1:]
    )


def check(method: str, answer: Answer, *fields: str) -> None:
    """The refusal has the status of the face and names the fields."""
    policy = POLICIES[full_path(METHODS[method])]
    assert (answer.status, answer.error) == (policy.invalid_argument_status, "malformed_request"), (
        method,
        answer,
    )
    assert [entry["field"] for entry in answer.body["details"]["fields"]] == list(fields), (
        method,
        answer,
    )


async def test_a_field_that_the_request_does_not_have(untouched_rest: Untouched) -> None:
    for method in BODIES:
        request = untouched_rest.good(method)
        named = with_typo(request, METHODS[method].input_type, ())
        check(method, await untouched_rest.refuses(method, request), named)


async def test_a_field_that_a_message_within_does_not_have(untouched_rest: Untouched) -> None:
    for method, path in nested_bodies():
        request = untouched_rest.good(method)
        named = with_typo(request, METHODS[method].input_type, path)
        check(method, await untouched_rest.refuses(method, request), named)


async def test_a_field_that_is_given_twice(untouched_rest: Untouched) -> None:
    for method in BODIES:
        verb, path, body = bind(METHODS[method], untouched_rest.good(method))
        for name, value in body.items():
            again = METHODS[method].input_type.fields_by_name[name].json_name
            for second in {name, again}:
                content = f"{json.dumps(body)[:-1]}, {json.dumps(second)}: {json.dumps(value)}}}"
                response = await untouched_rest.send(verb, path, content=content, headers=JSON)
                check(method, answer_of(response, body), name)


async def test_a_body_does_not_come_in_the_query_too(untouched_rest: Untouched) -> None:
    for method in BODIES:
        request = untouched_rest.good(method)
        verb, path, body = bind(METHODS[method], request)
        for name in request:
            response = await untouched_rest.send(verb, path, params={name: "other"}, json=body)
            check(method, answer_of(response), name)


async def test_the_query_does_not_say_another_id_than_the_path(untouched_rest: Untouched) -> None:
    for method in WITHOUT_BODY:
        names = {field.name for field in METHODS[method].input_type.fields}
        verb, path, rest = bind(METHODS[method], dict.fromkeys(names, "email"))
        for name in names - set(rest):
            response = await untouched_rest.send(verb, path, params={name: "sms"})
            check(method, answer_of(response), name)
