"""The service on both databases; every test runs over gRPC and REST unless it asks for one of
them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from server.app import Part, migrate_database
from server.config import Settings
from tests.support.api.callers import Caller, RestCaller, caller
from tests.support.api.operating import MAX_CONCURRENCY, Operated
from tests.support.api.running import Running, running_service
from tests.support.api.untouched import Untouched, untouched_brand
from tests.support.dispatch.scripted import ScriptedProvider

NewDatabase = Callable[[], str]
IDLE = frozenset({Part.API, Part.GATEWAY})


@pytest.fixture(scope="session")
async def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_service(tmp_path_factory.mktemp("sqlite")) as running:
        yield running


@pytest.fixture(scope="session")
async def on_postgres(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_database: NewDatabase
) -> AsyncIterator[Running]:
    async with running_service(
        tmp_path_factory.mktemp("postgres"), new_postgres_database()
    ) as running:
        yield running


@pytest.fixture(scope="session")
async def idle_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    data_dir = tmp_path_factory.mktemp("idle-sqlite")
    await migrate_database(Settings(data_dir=data_dir))
    async with running_service(data_dir, parts=IDLE) as running:
        yield running


@pytest.fixture(scope="session")
async def idle_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_database: NewDatabase
) -> AsyncIterator[Running]:
    database = new_postgres_database()
    await migrate_database(Settings(database_url=database))
    async with running_service(
        tmp_path_factory.mktemp("idle-postgres"), database, parts=IDLE
    ) as running:
        yield running


@pytest.fixture(scope="session")
async def operated_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operated]:
    provider = ScriptedProvider(MAX_CONCURRENCY)
    async with running_service(
        tmp_path_factory.mktemp("operated-sqlite"), providers={"email": provider}
    ) as running:
        yield Operated(running, provider)


@pytest.fixture(scope="session")
async def operated_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_database: NewDatabase
) -> AsyncIterator[Operated]:
    provider, data_dir = (
        ScriptedProvider(MAX_CONCURRENCY),
        tmp_path_factory.mktemp("operated-postgres"),
    )
    async with running_service(
        data_dir, new_postgres_database(), providers={"email": provider}
    ) as running:
        yield Operated(running, provider)


@pytest.fixture(params=["sqlite", "postgres"])
def operated(request: pytest.FixtureRequest) -> Iterator[Operated]:
    """The service with a provider that does as the test says. The test runs once on each
    database."""
    service: Operated = request.getfixturevalue(f"operated_on_{request.param}")
    yield service
    service.let_go()


@pytest.fixture(params=["grpc", "rest"])
def operator(request: pytest.FixtureRequest, operated: Operated, brand: str) -> Caller:
    """A client of it; the test runs once over each transport."""
    return caller(request.param, operated.running, brand)


@pytest.fixture(params=["sqlite", "postgres"])
def running(request: pytest.FixtureRequest) -> Running:
    """The service; the test runs once on each database."""
    service: Running = request.getfixturevalue(f"on_{request.param}")
    return service


@pytest.fixture(params=["sqlite", "postgres"])
def idle(request: pytest.FixtureRequest) -> Running:
    """The service without a dispatcher: what is accepted stays as it is. The test runs once on each
    database."""
    service: Running = request.getfixturevalue(f"idle_on_{request.param}")
    return service


@pytest.fixture
def brand() -> str:
    """A brand of the test's own."""
    return f"brand-{uuid4().hex[:12]}"


@pytest.fixture(params=["grpc", "rest"])
def api(request: pytest.FixtureRequest, running: Running, brand: str) -> Caller:
    """A client whose token names the test's brand; the test runs once over each transport."""
    return caller(request.param, running, brand)


@pytest.fixture(params=["grpc", "rest"])
def idle_api(request: pytest.FixtureRequest, idle: Running, brand: str) -> Caller:
    """The same of the service without a dispatcher."""
    return caller(request.param, idle, brand)


@pytest.fixture(scope="session")
def untouched_brands() -> dict[tuple[str, str], Untouched]:
    """Those made so far, by database and transport: tests of refusals can share one, because none
    may change it."""
    return {}


@asynccontextmanager
async def unchanged(
    brands: dict[tuple[str, str], Untouched], running: Running, transport: str
) -> AsyncIterator[Untouched]:
    """A brand to try bad requests on; at the end everything in it must be as it was after the test
    before."""
    key = (running.settings.effective_database_url, transport)
    if key not in brands:
        brands[key] = await untouched_brand(running, transport)
    brand = brands[key]
    before = brand.seen or await brand.everything()
    yield brand
    brand.seen = await brand.everything()
    assert brand.seen == before


@pytest.fixture(params=["grpc", "rest"])
async def untouched(
    request: pytest.FixtureRequest,
    idle: Running,
    untouched_brands: dict[tuple[str, str], Untouched],
) -> AsyncIterator[Untouched]:
    """A brand to try bad requests on; the test runs over each transport."""
    async with unchanged(untouched_brands, idle, request.param) as brand:
        yield brand


@pytest.fixture
async def untouched_rest(
    idle_on_sqlite: Running, untouched_brands: dict[tuple[str, str], Untouched]
) -> AsyncIterator[Untouched]:
    """The same over REST, for what never reaches a database."""
    async with unchanged(untouched_brands, idle_on_sqlite, "rest") as brand:
        yield brand


@pytest.fixture
async def untouched_grpc(
    idle: Running, untouched_brands: dict[tuple[str, str], Untouched]
) -> AsyncIterator[Untouched]:
    """The same over gRPC, for what JSON cannot say."""
    async with unchanged(untouched_brands, idle, "grpc") as brand:
        yield brand


@pytest.fixture
def rest(running: Running, brand: str) -> RestCaller:
    """A client over REST alone."""
    return RestCaller(running.http, running.token(brand))
