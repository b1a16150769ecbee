"""Requests that schemathesis makes of the OpenAPI document: as it says, and as it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.support.api.openapi import DOCUMENT, METHOD_OF
from tests.support.hostile.rest import TRIED

Request = dict[str, Any]


def operations() -> Iterator[Any]:
    """Those that end with their answer, as schemathesis has them."""
    schema: Any = schemathesis.openapi.from_dict(DOCUMENT)
    for found in schema.get_all_operations():
        operation = found.ok()
        if METHOD_OF[operation.method.lower(), operation.path] in TRIED:
            yield operation


def requests_of(operation: Any, count: int, chance: int) -> list[Request]:
    """So many that the document allows, and as many that it does not, where there can be any."""
    made: list[Request] = []
    for mode in GenerationMode:

        @seed(chance)
        @settings(
            max_examples=count,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def gather(case: Any) -> None:
            made.append(_request(case))

        try:
            gather()
        except Unsatisfiable:
            continue
    return made


def _request(case: Any) -> Request:
    given = case.as_transport_kwargs(base_url="http://carillon")
    carried: Request = {
        "verb": given["method"],
        "path": given["url"].removeprefix("http://carillon"),
        "params": given.get("params") or {},
    }
    if given.get("json") is not None:
        carried["json"] = given["json"]
    elif given.get("data") is not None:
        carried["content"] = given["data"]
    return carried
