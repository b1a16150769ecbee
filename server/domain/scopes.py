"""Scopes, `<verb>:<resource>`: what a token allows, and what that grants."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

SCOPE = re.compile(r"(read|write|admin):[a-z]+(-[a-z]+)*")
"""What a method asks for. A token may hold `manage:<resource>` too."""
READ_PEOPLE = "read:people"
"""What shows a person, or tells something of one, asks for it."""
_MANAGED = ("read", "write")


def grants(held: Container[str], scope: str) -> bool:
    """Whether a token that holds these scopes allows what asks for `scope`: `manage:x` grants
    `read:x` and `write:x`."""
    verb, _, resource = scope.partition(":")
    return scope in held or (verb in _MANAGED and f"manage:{resource}" in held)


def managing(scopes: Iterable[str]) -> set[str]:
    """The `manage:x` of each resource that the scopes read or write."""
    parts = (scope.partition(":") for scope in scopes)
    return {f"manage:{resource}" for verb, _, resource in parts if verb in _MANAGED}


def is_of_operators(scope: str) -> bool:
    """Whether it is for what concerns the whole installation, and so in no token unless it is asked
    for."""
    return scope.startswith("admin:")
