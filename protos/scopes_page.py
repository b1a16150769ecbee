"""Writes docs/scopes.md from the protos, as `make protos` left them: `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from carillon.options.v1 import options_pb2
from described import Described, first_sentence
from generate_rest_contract import http_rules

_HEAD = """# Scopes

<!-- Written by `make docs` from the protos. Do not edit. -->

What a token allows is its scopes, `<verb>:<resource>`, named by the data that a method touches.
Reading does not come with writing: `manage:x` in a token is both, `read:x` and `write:x`. A change
is answered with what was changed. Scopes that begin with `admin:` are those of operators, for what
concerns the whole installation: no token has them unless they are asked for, and a token of these
alone needs no brand. How tokens are made is in [brands](brands.md#tokens).

Who may not see people (`read:people`) learns nothing of one: previews of campaigns and segments
then have no sample, and each count is rounded down to a multiple of 5.

## By scope

| scope | method | |
|---|---|---|
"""
_BESIDES = """
## Besides

These methods ask for a second scope, of other data that they show.

| method | asks for besides |
|---|---|
"""
_FIELDS = """
Some fields ask for a scope besides that of their method.

| method | field | asks for |
|---|---|---|
"""
_PUBLIC = """
## Without a token

| method | |
|---|---|
"""


def scopes_page(protos: Described) -> str:
    """The page."""
    methods = [method for service in protos.services for method in service.methods]
    rows = sorted((_policy(each).scope, _path(each), each.full_name) for each in methods)
    asked = [row for row in rows if row[0]]
    besides = [
        f"| {_path(method)} | {_listed(_policy(method).also_scopes)} |\n"
        for method in methods
        if _policy(method).also_scopes
    ]
    fields = [
        f"| {_path(method)} | `{path}` | `{scope}` |\n"
        for method in methods
        for path, scope in _scopes_of_fields(method.input_type, ())
    ]
    return "".join(
        [
            _HEAD,
            *(
                f"| `{scope}` | {path} | {first_sentence(protos.comment(name))} |\n"
                for scope, path, name in asked
            ),
            _BESIDES,
            *sorted(besides),
            _FIELDS,
            *sorted(fields),
            _PUBLIC,
            *(
                f"| {path} | {first_sentence(protos.comment(name))} |\n"
                for scope, path, name in rows
                if not scope
            ),
        ]
    )


def _policy(method: MethodDescriptor) -> options_pb2.MethodPolicy:
    found: options_pb2.MethodPolicy = method.GetOptions().Extensions[options_pb2.method]
    return found


def _path(method: MethodDescriptor) -> str:
    rule = next(http_rules(method))
    verb = str(rule.WhichOneof("pattern"))
    return f"`{verb.upper()} {getattr(rule, verb)}`"


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(f"`{scope}`" for scope in scopes)


def _scopes_of_fields(
    message: Descriptor, above: tuple[FieldDescriptor, ...]
) -> Iterator[tuple[str, str]]:
    for field in message.fields:
        path = (*above, field)
        if scope := field.GetOptions().Extensions[options_pb2.field_scope]:
            yield ".".join(each.name for each in path), scope
        # A Struct is made of itself.
        if field.message_type is not None and field not in above:
            yield from _scopes_of_fields(field.message_type, path)


if __name__ == "__main__":
    sys.stdout.write(scopes_page(Described.read()))
