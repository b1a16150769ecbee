"""Hostile JSON at every method over REST, and what schemathesis makes of the OpenAPI document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.attack.site import attacked
from tests.support.api.untouched import untouched_brand
from tests.support.hostile.changes import watching
from tests.support.hostile.memory import resident_mib
from tests.support.hostile.rest import call_with_hostile_json, send
from tests.support.hostile.schema import operations, requests_of

REQUESTS = 40_000
OF_EACH = 40
"""Requests of schemathesis, of each operation, as many good as bad."""
WARM = 2000
MOST_MIB = 64


async def test_hostile_json(
    tmp_path: Path, size: Callable[[int], int], seed: int, figure: Callable[[str], None]
) -> None:
    async with attacked(tmp_path) as running:
        warm = await call_with_hostile_json(running, size(WARM), seed)
        before = resident_mib()
        statuses = await call_with_hostile_json(running, size(REQUESTS), seed + 1)
        grown = resident_mib() - before
        ready = await running.http.get("/readyz")
    figure(f"{(warm + statuses).total():,} calls, {dict(sorted(statuses.items()))}, +{grown} MiB")
    assert ready.status_code == 200
    assert grown < MOST_MIB


async def test_what_schemathesis_makes_of_the_openapi_document(
    tmp_path: Path, size: Callable[[int], int], seed: int, figure: Callable[[str], None]
) -> None:
    statuses = Counter[int]()
    async with attacked(tmp_path) as running:
        brand = await untouched_brand(running, "rest")
        async with watching(running) as watch:
            for operation in operations():
                for request in requests_of(operation, size(OF_EACH), seed):
                    statuses[await send(running, watch, brand, **request)] += 1
        ready = await running.http.get("/readyz")
    figure(f"{statuses.total():,} calls, {dict(sorted(statuses.items()))}")
    assert ready.status_code == 200
