"""A dispatcher ends hard at each named point while people go through a sequence, or a campaign of
several steps; another takes over. No step is lost, none runs twice, and everybody comes to the
end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.app import Service
from server.config import Settings
from server.identity.key_store import signing_keys
from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.sql.open import open_storage
from tests.chaos import books as book
from tests.chaos.behaviour import Deed, Fault
from tests.chaos.crash_child import DISPATCHER, Nursery
from tests.chaos.crash_points import Point, Step
from tests.chaos.load import Accepted
from tests.chaos.peer import running_peer
from tests.chaos.reckoning import Reckoning, reckon
from tests.chaos.site import MAX_IN_DOUBT
from tests.chaos.test_crash_points import Site, on_both
from tests.support.storage import made

PEOPLE = 12
AUDIENCE = 25
"""More than are enrolled at once here."""
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


async def schedule_campaign(url: str) -> None:
    """A campaign to everybody that came due a moment ago, in steps that follow each other at
    once."""
    segment = made.segment()
    campaign = made.campaign(
        face="messaging",
        segment_id=segment.id,
        segment_criteria=None,
        subject=None,
        status=CampaignStatus.SCHEDULED,
        scheduled_at=datetime.now(UTC),
    )
    steps = [made.step(position, delay_minutes=0, template_revision=1) for position in range(STEPS)]

    async def put(tx: Transaction) -> None:
        await made.put_version(tx)
        await tx.segments.insert(segment)
        for number in range(AUDIENCE):
            await tx.people.put(made.person(f"person-{number:03}"))
        await tx.campaigns.insert(campaign)
        for step in steps:
            await tx.steps.insert(campaign.id, step)

    storage = await open_storage(url)
    await storage.write(put)
    await storage.close()


@pytest.fixture(scope="module")
def nursery() -> Nursery:
    return Nursery()


@pytest.fixture
async def site(tmp_path: Path, database_url: str, nursery: Nursery) -> AsyncIterator[Site]:
    """People in a sequence; the provider is a mail server."""
    await enroll_everybody(database_url)
    async with _site(tmp_path, database_url, nursery) as site:
        yield site


@pytest.fixture
async def campaign_site(tmp_path: Path, database_url: str, nursery: Nursery) -> AsyncIterator[Site]:
    """A campaign of several steps; the provider is a mail server."""
    await schedule_campaign(database_url)
    async with _site(tmp_path, database_url, nursery) as site:
        yield site


@asynccontextmanager
async def _site(tmp_path: Path, database_url: str, nursery: Nursery) -> AsyncIterator[Site]:
    signing_keys(Settings(data_dir=tmp_path), may_create=True)
    async with running_peer("smtp", tmp_path / "ledger") as peer:
        settings = Settings(data_dir=tmp_path, database_url=database_url, smtp_url=peer.url)
        yield Site(settings, peer, nursery)


async def finish(site: Site, people: int = PEOPLE) -> Reckoning:
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
    assert [tuple(row[1:]) for row in of_each] == [(STEPS, STEPS)] * people
    return await reckon(books, site.peer.entries(), await _accepted(books))


async def _accepted(books: book.Books) -> Accepted:
    """What the campaign is to, if there is one: and they are counted, each once."""
    audience = {f"person-{number:03}" for number in range(AUDIENCE)}
    found = await books.rows(
        "SELECT id, recipients_pending, recipients_sent + recipients_failed FROM sends"
    )
    assert [tuple(row[1:]) for row in found] == [(0, AUDIENCE)] * len(found)
    return Accepted(sends={str(row[0]): audience for row in found})


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
    assert len(found.unknown) <= MAX_IN_DOUBT


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
    assert 0 < len(found.unknown) <= MAX_IN_DOUBT


OF_CAMPAIGN = [
    (database, point, times)
    for database in ("sqlite", "postgres")
    for point, times in (
        (Point.BEFORE_COMMIT_OF_EXPANSION, 2),
        (Point.BETWEEN_BATCHES_OF_EXPANSION, 1),
        (Point.AFTER_MARK, 3),
        (Point.AFTER_CALL, 40),
        (Point.BEFORE_COMMIT_OF_RESULTS, 2),
        (Point.AFTER_RESULTS, 3),
    )
]


@pytest.mark.parametrize(("database_url", "point", "times"), OF_CAMPAIGN, indirect=["database_url"])
async def test_no_step_of_a_campaign_is_lost_or_runs_twice_after_an_end_at(
    campaign_site: Site, point: Point, times: int
) -> None:
    await campaign_site.ends_at(point, times)
    await campaign_site.ends_at(Point.BEFORE_COMMIT_OF_RECOVERY)
    found = await finish(campaign_site, AUDIENCE)
    assert found.faults == {}
    assert len(found.unknown) <= MAX_IN_DOUBT
