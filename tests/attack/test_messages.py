"""100,000 hostile messages at every method over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.attack.site import attacked
from tests.support.hostile.calling import call_with_hostile_messages
from tests.support.hostile.memory import resident_mib

MESSAGES = 100_000
WARM = 5000
"""Calls after which caches are full."""
MOST_MIB = 64
"""What the rest of them may leave in memory, of the service and its client together."""


async def test_hostile_messages_over_grpc(
    tmp_path: Path, size: Callable[[int], int], seed: int, figure: Callable[[str], None]
) -> None:
    async with attacked(tmp_path) as running:
        warm = await call_with_hostile_messages(running, size(WARM), seed)
        before = resident_mib()
        statuses = await call_with_hostile_messages(running, size(MESSAGES), seed + 1)
        grown = resident_mib() - before
        ready = await running.http.get("/readyz")
    figure(f"{(warm + statuses).total():,} calls, {dict(sorted(statuses.items()))}, +{grown} MiB")
    assert ready.status_code == 200
    assert grown < MOST_MIB
