"""What every refusal has to be, whoever made it. The callers check each one that any test sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from carillon.errors.v1.error_reason_pb2 import ErrorReason

# ErrorReason has keys, and is no dict.
_NAMES = [name.removeprefix("ERROR_REASON_").lower() for name in ErrorReason.keys()]  # noqa: SIM118
REASONS = {name for name in _NAMES if name != "unspecified"}

INTERNALS = re.compile(
    r"traceback|exception|sqlalchemy|asyncpg|sqlite|postgres|sqlstate|psycopg"
    r"|google\.|googleapis|protobuf|\bupb\b|grpc|envoy|upstream"
    r"|\.py\b|\.lua\b|\bselect \w|\binsert into\b|TYPE_[A-Z]|<class|0x[0-9a-f]{6}"
    r"|/(usr|home|work|tmp|srv|var|opt|root)/",
    re.IGNORECASE,
)
LONGEST_TEXT = 600
"""Characters. The error travels as gRPC metadata, of which clients accept 8 KB in all."""

_PERSONAL = {
    "recipient",
    "email",
    "phone",
    "push_tokens",
    "variables",
    "attributes",
    "segment_criteria",
    "predicate",
}
_OPERATORS = {
    "contains",
    "starts_with",
    "missing",
    "within_last",
    "within_next",
    "longer_ago_than",
    "received",
}
"""Words of criteria, which the path of a fault in them tells."""
_TOO_SHORT_TO_TELL = 4


def check_refusal(body: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Fails unless the body has the documented shape, a known code, no internals, and nothing
    personal of the request."""
    assert set(body) in ({"error", "message"}, {"error", "message", "details"}), body
    assert body["error"] in REASONS, body
    assert isinstance(body["message"], str), body
    assert 0 < len(body["message"]) <= LONGEST_TEXT, body
    assert "\n" not in body["message"], body
    assert body.get("details") != {}, body
    text = json.dumps(body, ensure_ascii=False)
    assert not INTERNALS.search(text), text
    for value in _strings_under(request, _PERSONAL):
        assert len(value.strip()) < _TOO_SHORT_TO_TELL or value.strip() not in text, text


def _strings_under(value: Any, names: set[str], *, inside: bool = False) -> Iterator[str]:
    if isinstance(value, str) and inside:
        yield value
    elif isinstance(value, Mapping):
        for name, child in value.items():
            if inside and name not in _OPERATORS:
                yield name
            yield from _strings_under(
                _without_names(name, child), names, inside=inside or name in names
            )
    elif isinstance(value, list):
        for child in value:
            yield from _strings_under(child, names, inside=inside)


def _without_names(name: str, value: Any) -> Any:
    """Names of variables are the template's own, and a refusal tells them; a template's list of
    variables is nothing personal at all."""
    if name != "variables":
        return value
    return list(value.values()) if isinstance(value, Mapping) else None
