"""A dispatcher ends hard at each named point; another takes over. Nobody is lost, nobody gets it
twice, the sums match, and the ledger of a provider in a process of its own agrees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.app import Service
from server.commands.sends import resolve_audience
from server.commands.sends.start import send_campaign
from server.config import Settings
from server.domain.access import Caller, Principal
from server.domain.faces import Face
from server.identity.key_store import signing_keys
from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.sql.open import open_storage
from tests.chaos import books as book
from tests.chaos.behaviour import Deed, Fault
from tests.chaos.crash_child import BATCH, DISPATCHER, Crash, Nursery
from tests.chaos.crash_points import STATUS, Point, Step, When
from tests.chaos.load import Accepted
from tests.chaos.peer import Peer, running_peer
from tests.chaos.reckoning import Reckoning, reckon
from tests.chaos.site import MAX_IN_DOUBT
from tests.support.storage import made

PEOPLE = 50

NOTHING_LEFT = {
    Point.BEFORE_CLAIM, Point.BEFORE_COMMIT_OF_CLAIM, Point.AFTER_CLAIM, Point.BEFORE_MARK,
    Point.BEFORE_COMMIT_OF_MARK,
    Point.BEFORE_COMMIT_OF_EXPANSION, Point.BETWEEN_BATCHES_OF_EXPANSION,
}  # fmt: skip
"""Points at which no message can be in doubt, the first time they are reached."""


@dataclass
class Site:
    """A migrated database with a campaign that has come due, and the provider it goes to."""

    settings: Settings
    peer: Peer
    nursery: Nursery

    async def ends_at(self, point: Point, times: int = 1) -> None:
        """A dispatcher starts, and ends there."""
        crash = Crash(self.settings, self.peer.ledger, point, times)
        assert await self.nursery.crash(crash) == STATUS, f"{point} was not reached"
        await self.peer.behave()
        await self.peer.release()
        # The rest of the lease passes: nobody else may touch its rows before, where several
        # processes share a database.
        books = book.books_of(self.settings.effective_database_url)
        await books.change(book.END_LEASES)

    async def finish(self) -> Reckoning:
        """A dispatcher that works to the end; what came of it."""
        books = book.books_of(self.settings.effective_database_url)
        service = Service(self.settings, DISPATCHER)
        await service.start()
        try:
            await book.settled(books)
        finally:
            await service.stop()
        people = {f"person-{number:03}" for number in range(PEOPLE)}
        sends = {str(row[0]): people for row in await books.rows("SELECT id FROM sends")}
        assert len(sends) == 1
        return await reckon(books, self.peer.entries(), Accepted(sends=sends))


async def prepare(url: str) -> None:
    """A campaign to everybody that came due a moment ago."""
    campaign = made.campaign(
        status=CampaignStatus.SCHEDULED,
        scheduled_at=datetime.now(UTC),
        template_revision=1,
        subject=None,
        variables={},
    )
    people = [
        made.person(f"person-{number:03}", email=f"person-{number:03}@example.com")
        for number in range(PEOPLE)
    ]

    async def put(tx: Transaction) -> None:
        await made.put_version(tx)
        for person in people:
            await tx.people.put(person)
        await tx.campaigns.insert(campaign)

    storage = await open_storage(url)
    await storage.write(put)
    await storage.close()


async def name_everybody(url: str) -> None:
    """Sends the campaign to the same people by name, a batch of whom are begun with."""
    now = datetime.now(UTC)
    people = [f"person-{number:03}" for number in range(PEOPLE)]

    async def send(tx: Transaction) -> None:
        (campaign_id,) = await tx.campaigns.list_due(now, 2)
        campaign = await tx.campaigns.find(campaign_id)
        assert campaign is not None
        caller = Caller(Principal("tests", frozenset({campaign.brand_id}), frozenset()), now)
        recipients = [(person, f"{person}@example.com") for person in people]
        await send_campaign(tx, caller, Face(campaign.face), campaign.id, recipients)

    storage = await open_storage(url)
    await storage.write(send)
    await storage.close()


@pytest.fixture(scope="session")
def nursery() -> Nursery:
    return Nursery()


@pytest.fixture
async def site(tmp_path: Path, database_url: str, nursery: Nursery) -> AsyncIterator[Site]:
    """The provider is a mail server."""
    await prepare(database_url)
    signing_keys(Settings(data_dir=tmp_path), may_create=True)
    async with running_peer("smtp", tmp_path / "ledger") as peer:
        yield Site(
            Settings(data_dir=tmp_path, database_url=database_url, smtp_url=peer.url), peer, nursery
        )


@pytest.fixture
async def keyed_site(tmp_path: Path, database_url: str, nursery: Nursery) -> AsyncIterator[Site]:
    """The provider is an HTTP gateway that remembers idempotency keys."""
    await prepare(database_url)
    signing_keys(Settings(data_dir=tmp_path), may_create=True)
    async with running_peer("http", tmp_path / "ledger", "--keeps-keys") as peer:
        settings = Settings(
            data_dir=tmp_path, database_url=database_url, email_url=peer.url, webhook_key_hours=24
        )
        yield Site(settings, peer, nursery)


def on_both(points: Iterable[Point]) -> list[tuple[str, Point]]:
    """Each point on SQLite, and on PostgreSQL those that leave what no other point does: before a
    step there is what there was after the step before it."""
    every = list(points)
    alike = [("postgres", point) for point in every if point.when is not When.BEFORE]
    return [*(("sqlite", point) for point in every), *alike]


ONCE = [
    (database, point, 1)
    for database, point in on_both(point for point in Point if point.step is not Step.RECOVERY)
]
AGAIN = [
    ("sqlite", Point.AFTER_CALL, 25),
    ("sqlite", Point.AFTER_RESULTS, 2),
    ("sqlite", Point.BEFORE_COMMIT_OF_EXPANSION, 2),
    ("sqlite", Point.BETWEEN_BATCHES_OF_EXPANSION, 2),
]


@pytest.mark.parametrize(
    ("database_url", "point", "times"), [*ONCE, *AGAIN], indirect=["database_url"]
)
async def test_ended_at(site: Site, point: Point, times: int) -> None:
    if point is Point.DURING_CALL:
        await site.peer.behave(Fault(share=1, deed=Deed.HOLD))
    await site.ends_at(point, times)
    found = await site.finish()
    assert found.faults == {}
    assert len(found.unknown) <= MAX_IN_DOUBT
    if times == 1 and point in NOTHING_LEFT:
        assert found.unknown == []
    if point in (
        Point.AFTER_MARK,
        Point.BEFORE_CALL,
        Point.DURING_CALL,
        Point.AFTER_CALL,
        Point.BEFORE_COMMIT_OF_RESULTS,
    ):
        assert found.unknown


@pytest.mark.parametrize(
    ("database_url", "point"),
    on_both((Point.BEFORE_COMMIT_OF_EXPANSION, Point.BETWEEN_BATCHES_OF_EXPANSION)),
    indirect=["database_url"],
)
async def test_ended_while_people_who_were_named_wait(
    site: Site, point: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve_audience, "BATCH", BATCH)
    await name_everybody(site.settings.effective_database_url)
    await site.ends_at(point)
    found = await site.finish()
    assert (found.faults, found.unknown) == ({}, [])


@pytest.mark.parametrize(
    ("database_url", "point"),
    on_both(point for point in Point if point.step is Step.RECOVERY),
    indirect=["database_url"],
)
async def test_ended_in_recovery_from_a_first_end(site: Site, point: Point) -> None:
    await site.ends_at(Point.AFTER_CALL)
    await site.ends_at(point)
    found = await site.finish()
    assert found.faults == {}
    assert 0 < len(found.unknown) <= MAX_IN_DOUBT


@pytest.mark.parametrize(
    ("database_url", "point"),
    [
        ("sqlite", Point.AFTER_MARK),
        ("sqlite", Point.DURING_CALL),
        ("sqlite", Point.AFTER_CALL),
        ("sqlite", Point.BEFORE_COMMIT_OF_RESULTS),
        ("postgres", Point.AFTER_CALL),
    ],
    indirect=["database_url"],
)
async def test_ended_with_calls_at_a_gateway_that_knows_keys_leaves_nothing_in_doubt(
    keyed_site: Site, point: Point
) -> None:
    site = keyed_site
    if point is Point.DURING_CALL:
        await site.peer.behave(Fault(share=1, deed=Deed.HOLD))
    await site.ends_at(point)
    found = await site.finish()
    assert (found.faults, found.statuses) == ({}, {"sent": PEOPLE})
    assert any(entry.replayed for entry in site.peer.entries()) == (point is not Point.AFTER_MARK)
