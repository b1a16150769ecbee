"""A dispatcher ends hard at each named point while people go through a sequence; another takes
over. No step is lost, none runs twice, and everybody comes to the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.app import Service
from server.config import Settings
from server.runtime.tokens import load_or_create_key
from storage.contract.storage import Transaction
from storage.sql.open import open_storage
from tests.chaos import books as book
from tests.chaos.behaviour import Deed, Fault
from tests.chaos.crash_child import DISPATCHER, Nursery
from tests.chaos.crash_points import Point, Step
from tests.chaos.load import Accepted
from tests.chaos.peer import running_peer
from tests.chaos.reckoning import Reckoning, reckon
from tests.chaos.site import MAX_CONCURRENCY
from tests.chaos.test_crash_points import Site, on_both
from tests.support.storage import made

PEOPLE = 12
STEPS = 3


async def enroll_everybody(url: str) -> None:
    """People in a sequence whose steps follow each other at once."""
    steps = [made.step(position, delay_minutes=0) for position in range(STEPS)]
    sequence, now = made.sequence(*steps), datetime.now(UTC)
    enrollments = [
        made.enrollment(sequence, f"person-{number:03}", enrolled_at=now, next_step_at=now)
        for number in range(PEOPLE)
    ]

    async def put(tx: Transaction) -> None:
        await made.put_version(tx)
        await tx.sequences.insert(sequence)
        for enrollment in enrollments:
            assert await tx.enrollments.insert(enrollment)

    storage = await open_storage(url)
    await storage.write(put)
    await storage.close()


@pytest.fixture(scope="module")
def nursery() -> Nursery:
    return Nursery()


@pytest.fixture
async def site(tmp_path: Path, database_url: str, nursery: Nursery) -> AsyncIterator[Site]:
    """The provider is a mail server."""
    await enroll_everybody(database_url)
    load_or_create_key(tmp_path)
    async with running_peer("smtp", tmp_path / "ledger") as peer:
        settings = Settings(data_dir=tmp_path, database_url=database_url, smtp_url=peer.url)
        yield Site(settings, peer, nursery)


async def finish(site: Site) -> Reckoning:
    """A dispatcher that works to the end; what came of it."""
    books = book.books_of(site.settings.effective_database_url)
    service = Service(site.settings, DISPATCHER)
    await service.start()
    try:
        await book.settled(books)
    finally:
        await service.stop()
    for (status,) in await books.rows("SELECT status FROM enrollments"):
        assert status == "completed"
    of_each = await books.rows(
        "SELECT enrollment_id, count(*), count(DISTINCT step) FROM messages GROUP BY enrollment_id"
    )
    assert [tuple(row[1:]) for row in of_each] == [(STEPS, STEPS)] * PEOPLE
    return await reckon(books, site.peer.entries(), Accepted())


POINTS = [
    (database, point, times)
    for database, point in on_both(
        point for point in Point if point.step in (Step.CALL, Step.RESULT)
    )
    for times in (1, 3)
    if times == 1 or point.step is Step.RESULT
]
"""Until its call a message of a step goes the way of any other (test_crash_points.py)."""


@pytest.mark.parametrize(("database_url", "point", "times"), POINTS, indirect=["database_url"])
async def test_no_step_is_lost_or_runs_twice_after_an_end_at(
    site: Site, point: Point, times: int
) -> None:
    if point is Point.DURING_CALL:
        await site.peer.behave(Fault(share=1, deed=Deed.HOLD))
    await site.ends_at(point, times)
    found = await finish(site)
    assert found.faults == {}
    assert len(found.unknown) <= MAX_CONCURRENCY


@pytest.mark.parametrize(
    ("database_url", "point"),
    on_both(point for point in Point if point.step is Step.RECOVERY),
    indirect=["database_url"],
)
async def test_no_step_is_lost_or_runs_twice_after_an_end_in_recovery(
    site: Site, point: Point
) -> None:
    await site.ends_at(Point.AFTER_CALL)
    await site.ends_at(point)
    found = await finish(site)
    assert found.faults == {}
    assert 0 < len(found.unknown) <= MAX_CONCURRENCY
