"""JSON that no client of ours sends, at every method over REST; by the thousand in tests/attack."""

from __future__ import annotations

from tests.support.api.running import Running
from tests.support.hostile.rest import call_with_hostile_json

REQUESTS = 150


async def test_no_json_makes_the_service_fail_and_no_refused_call_writes(
    idle: Running,
) -> None:
    statuses = await call_with_hostile_json(idle, REQUESTS, seed=1)
    assert statuses.total() == REQUESTS
    assert len(statuses) > 2, "what was tried is all refused for one reason"
