"""Messages that no client of ours sends, at every method over gRPC; by the thousand in
tests/attack."""

from __future__ import annotations

from tests.support.api.running import Running
from tests.support.api.untouched import untouched_brand
from tests.support.hostile.calling import call_with_hostile_messages, watching

MESSAGES = 300


async def test_no_message_makes_the_service_fail_and_no_refused_one_writes(
    idle_on_sqlite: Running,
) -> None:
    statuses = await call_with_hostile_messages(idle_on_sqlite, MESSAGES, seed=1)
    assert statuses.total() == MESSAGES
    assert len(statuses) > 2, "what was tried is all refused for one reason"


async def test_what_is_written_is_seen(idle_on_sqlite: Running) -> None:
    with watching(idle_on_sqlite) as watch:
        before = watch.version()
        assert watch.version() == before
        await untouched_brand(idle_on_sqlite, "grpc")
        assert watch.version() != before
