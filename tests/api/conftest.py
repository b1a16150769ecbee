"""The service on both databases, and clients of both transports.

Who takes `api`, `idle_api`, `operator` or `untouched` runs twice, not four times: see
`pytest_generate_tests`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4
from zlib import crc32

import pytest
from sqlalchemy import make_url

from server.app import Part
from server.config import Settings
from server.database import migrate_database
from tests.support.api.callers import Caller, RestCaller, caller
from tests.support.api.faults import FaultyStorage, running_faulty_service
from tests.support.api.operating import MAX_CONCURRENCY, Operated
from tests.support.api.running import Running, running_service
from tests.support.api.untouched import Untouched, untouched_brand
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.postgres import PostgresServer

NewDatabase = Callable[[], str]
IDLE = frozenset({Part.API, Part.GATEWAY})
PATIENT = 1.0
"""Seconds between looks of a dispatcher."""
DATABASES = ("sqlite", "postgres")
TRANSPORTS = ("grpc", "rest")
PAIRS = (
    (("sqlite", "grpc"), ("postgres", "rest")),
    (("sqlite", "rest"), ("postgres", "grpc")),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test over each transport and on each database, in two runs.

    Nothing in the service knows both, so that four runs would show no more. The name of the test
    decides which transport meets which database, so that all four pairs are seen. `--thorough` runs
    each test in all four.
    """
    names = {"database", "transport"} & set(metafunc.fixturenames)
    if len(names) == 2:
        metafunc.parametrize(("database", "transport"), _pairs_of(metafunc), indirect=True)
    elif names == {"database"}:
        metafunc.parametrize("database", DATABASES, indirect=True)
    elif names == {"transport"}:
        metafunc.parametrize("transport", TRANSPORTS, indirect=True)


def _pairs_of(metafunc: pytest.Metafunc) -> tuple[tuple[str, str], ...]:
    if metafunc.config.getoption("--thorough"):
        return PAIRS[0] + PAIRS[1]
    return PAIRS[crc32(metafunc.function.__name__.encode()) % 2]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgres`; a test that takes it, or what needs it, runs on both."""
    return str(request.param)


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    """`grpc` or `rest`; a test that takes it, or what needs it, runs over both."""
    return str(request.param)


@pytest.fixture(scope="session", autouse=True)
def patient_dispatchers() -> Iterator[None]:
    """Dispatchers on PostgreSQL look many times a second for what other processes put in. Here all
    is in one process, whose signals wake them, and looking would take a third of a processor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.dispatch.dispatcher.POLL_SHARED", PATIENT)
        patch.setattr("server.dispatch.dispatcher.POLL_SHARED_MARKETING", PATIENT)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_marks_ahead() -> Iterator[None]:
    """What is marked is called at once, so that a test can say how many messages are in flight.
    Marks ahead of calls are tested in `tests/dispatch` and `tests/chaos`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.dispatch.delivery.concurrency.MOST_AHEAD", 0)
        yield


@pytest.fixture(scope="session")
async def new_postgres_database(postgres_server: PostgresServer) -> NewDatabase:
    """Makes a migrated database at each call: a copy, since migrating each takes a second."""
    migrated = postgres_server.create_database()
    await migrate_database(Settings(database_url=migrated))
    template = make_url(migrated).database or ""
    return lambda: postgres_server.create_database(template)


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
    async with running_service(
        tmp_path_factory.mktemp("idle-postgres"), new_postgres_database(), parts=IDLE
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


@pytest.fixture
def operated(request: pytest.FixtureRequest, database: str) -> Iterator[Operated]:
    """The service with a provider that does as the test says."""
    service: Operated = request.getfixturevalue(f"operated_on_{database}")
    yield service
    service.let_go()


@pytest.fixture
def operator(transport: str, operated: Operated, brand: str) -> Caller:
    """A client of it."""
    return caller(transport, operated.running, brand)


@pytest.fixture
def running(request: pytest.FixtureRequest, database: str) -> Running:
    """The service."""
    service: Running = request.getfixturevalue(f"on_{database}")
    return service


@pytest.fixture
def idle(request: pytest.FixtureRequest, database: str) -> Running:
    """The service without a dispatcher: what is accepted stays as it is."""
    service: Running = request.getfixturevalue(f"idle_on_{database}")
    return service


@pytest.fixture(scope="session")
async def faulty(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Running, FaultyStorage]]:
    """A service without a dispatcher, and the storage to break under it."""
    async with running_faulty_service(tmp_path_factory.mktemp("faulty")) as service:
        yield service


@pytest.fixture
def brand() -> str:
    """A brand of the test's own."""
    return f"brand-{uuid4().hex[:12]}"


@pytest.fixture
def api(transport: str, running: Running, brand: str) -> Caller:
    """A client whose token names the test's brand."""
    return caller(transport, running, brand)


@pytest.fixture
def idle_api(transport: str, idle: Running, brand: str) -> Caller:
    """The same of the service without a dispatcher."""
    return caller(transport, idle, brand)


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


@pytest.fixture
async def untouched(
    transport: str, idle: Running, untouched_brands: dict[tuple[str, str], Untouched]
) -> AsyncIterator[Untouched]:
    """A brand to try bad requests on."""
    async with unchanged(untouched_brands, idle, transport) as brand:
        yield brand


@pytest.fixture
async def untouched_rest(
    idle_on_sqlite: Running, untouched_brands: dict[tuple[str, str], Untouched]
) -> AsyncIterator[Untouched]:
    """The same over REST alone, for what JSON alone can say and what never reaches a database."""
    async with unchanged(untouched_brands, idle_on_sqlite, "rest") as brand:
        yield brand


@pytest.fixture
async def untouched_grpc(
    idle_on_sqlite: Running, untouched_brands: dict[tuple[str, str], Untouched]
) -> AsyncIterator[Untouched]:
    """The same over gRPC alone, for what JSON cannot say and what never reaches a database."""
    async with unchanged(untouched_brands, idle_on_sqlite, "grpc") as brand:
        yield brand


@pytest.fixture
def rest(running: Running, brand: str) -> RestCaller:
    """A client over REST alone."""
    return RestCaller(running.http, running.token(brand))
