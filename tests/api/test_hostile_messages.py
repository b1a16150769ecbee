"""Messages that no client of ours sends, at every method over gRPC; by the thousand in
tests/attack."""

from __future__ import annotations

from tests.support.api.callers import caller
from tests.support.api.running import Running
from tests.support.api.scenes import put_person
from tests.support.api.untouched import PEOPLE
from tests.support.hostile.calling import call_with_hostile_messages
from tests.support.hostile.changes import watching

MESSAGES = 200


async def test_no_message_makes_the_service_fail_and_no_refused_one_writes(
    idle: Running,
) -> None:
    statuses = await call_with_hostile_messages(idle, MESSAGES, seed=1)
    assert statuses.total() == MESSAGES
    assert len(statuses) > 2, "what was tried is all refused for one reason"


async def test_what_is_written_is_seen(idle: Running, brand: str) -> None:
    api, person = caller("grpc", idle, brand), {"brand_id": brand, "person_id": "ann"}
    async with watching(idle) as watch:
        seen = [await watch.version()]
        assert await watch.version() == seen[0]
        for email in ("ann@example.com", "ann@example.org"):
            await put_person(api, brand, "ann", email=email)
            seen.append(await watch.version())
        assert (await api.call(f"{PEOPLE}/DeletePerson", person)).status < 300
        seen.append(await watch.version())
        assert len({*map(str, seen)}) == 4
        # A transaction that is taken back, and one that only locks, write nothing.
        assert (await api.call(f"{PEOPLE}/DeletePerson", person)).status == 404
        assert await watch.version() == seen[-1]
