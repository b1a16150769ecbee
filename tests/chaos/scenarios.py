"""What `make chaos` does: every scenario at its full size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import cancelling, disk, killing, misbehaving, outages, zombies
from tests.chaos.outcome import Outcome
from tests.chaos.site import Way
from tests.support.postgres import PostgresServer, running_postgres


@dataclass(frozen=True)
class Place:
    """Where a scenario happens, and its chances."""

    directory: Path
    seed: int
    scale: float
    """Of the number of strikes; 1 is the size of the published table."""

    def times(self, full: int) -> int:
        """How many strikes, of so many at full size."""
        return max(1, round(full * self.scale))

    @contextmanager
    def server(self) -> Iterator[PostgresServer]:
        """A PostgreSQL that syncs to disk."""
        with running_postgres(durable=True) as server:
            yield server

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database in one."""
        with self.server() as server:
            yield server.create_database()


@dataclass(frozen=True)
class Scenario:
    """One line of the table."""

    name: str
    database: str
    title: str
    run: Callable[[Place], Awaitable[Outcome]]


async def _serve(place: Place) -> Outcome:
    return await killing.serve_killed(place.directory, place.times(20), place.seed)


async def _serve_gateway(place: Place) -> Outcome:
    return await killing.serve_killed(place.directory, place.times(10), place.seed, Way.GATEWAY)


async def _serve_keyed(place: Place) -> Outcome:
    return await killing.serve_killed(
        place.directory, place.times(10), place.seed, Way.KEYED_GATEWAY
    )


async def _two(place: Place) -> Outcome:
    with place.database() as url:
        return await killing.replicas_killed(place.directory, url, 2, place.times(15), place.seed)


async def _three(place: Place) -> Outcome:
    with place.database() as url:
        return await killing.replicas_killed(place.directory, url, 3, place.times(20), place.seed)


async def _keyed(place: Place) -> Outcome:
    with place.database() as url:
        return await killing.replicas_killed(
            place.directory, url, 2, place.times(10), place.seed, Way.KEYED_GATEWAY
        )


async def _resending(place: Place) -> Outcome:
    with place.database() as url:
        return await killing.killed_while_resending(
            place.directory, url, 2, place.times(10), place.seed
        )


async def _zombies(place: Place) -> Outcome:
    with place.database() as url:
        return await zombies.frozen_past_their_leases(place.directory, url, 2)


async def _crash(place: Place) -> Outcome:
    with place.server() as server:
        return await outages.crashed(place.directory, server, place.times(8), place.seed)


async def _hang_up(place: Place) -> Outcome:
    with place.server() as server:
        return await outages.hung_up(place.directory, server, place.times(15), place.seed)


async def _disk_sqlite(place: Place) -> Outcome:
    return await disk.disk_full(place.directory, "sqlite", place.times(5))


async def _disk_postgres(place: Place) -> Outcome:
    return await disk.disk_full(place.directory, "postgres", place.times(5))


async def _misbehaving(place: Place) -> Outcome:
    with place.database() as url:
        return await misbehaving.misbehaving(place.directory, url, 15 * place.scale)


async def _cancelling(place: Place) -> Outcome:
    with place.database() as url:
        return await cancelling.cancelled(place.directory, url, place.times(20), place.seed)


SCENARIOS = (
    Scenario("serve", "SQLite", "`serve` killed; SMTP", _serve),
    Scenario("serve-gateway", "SQLite", "`serve` killed; HTTP without keys", _serve_gateway),
    Scenario("serve-keyed", "SQLite", "`serve` killed; HTTP with idempotency keys", _serve_keyed),
    Scenario("replicas-2", "PostgreSQL", "2 dispatchers and the API killed in turn; SMTP", _two),
    Scenario("replicas-3", "PostgreSQL", "3 dispatchers and the API killed in turn; SMTP", _three),
    Scenario(
        "replicas-keyed",
        "PostgreSQL",
        "2 dispatchers and the API killed in turn; HTTP with idempotency keys",
        _keyed,
    ),
    Scenario(
        "resending",
        "PostgreSQL",
        "2 dispatchers and the API killed in turn; SMTP, the brand resends",
        _resending,
    ),
    Scenario(
        "zombies",
        "PostgreSQL",
        "2 of 3 dispatchers stopped past their leases, then continued",
        _zombies,
    ),
    Scenario(
        "postgres-crash",
        "PostgreSQL",
        "PostgreSQL ended without a checkpoint, started again",
        _crash,
    ),
    Scenario("postgres-hang-up", "PostgreSQL", "PostgreSQL closed every connection", _hang_up),
    Scenario("disk-sqlite", "SQLite", "disk full, then room again", _disk_sqlite),
    Scenario("disk-postgres", "PostgreSQL", "disk full, then room again", _disk_postgres),
    Scenario(
        "mail-server",
        "PostgreSQL",
        "mail server hung, reset after the body, answered 4xx and 5xx, went away",
        _misbehaving,
    ),
    Scenario(
        "cancel", "PostgreSQL", "campaigns cancelled while 2 dispatchers sent them", _cancelling
    ),
)
