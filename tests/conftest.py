"""Fixtures for every test."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from tests.support import needs
from tests.support.postgres import PostgresServer, running_postgres

# Starting PostgreSQL as another user takes a fork, in a process whose gRPC threads are at work:
# what gRPC does in the child then may crash it before it is PostgreSQL.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

# A shell lets what it runs in the background ignore SIGINT; what tests start must not inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The loop that the service runs on.
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough",
        action="store_true",
        help="tests of the API run over each transport on each database, four times and not twice, "
        "and all lines of the benchmark are tried",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Makes the markers known of what tests need."""
    for name, meaning in needs.MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test with what it needs, before `-m` chooses among them."""
    for item in items:
        needs.mark(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lets what a test starts be compared with what it is marked with."""
    needs.running(item)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the run."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def new_postgres_database(postgres_server: PostgresServer) -> Callable[[], str]:
    """Makes an empty database at each call and returns its URL."""
    return postgres_server.create_database
