"""Says what each test needs beside Python, as markers: `pytest -m "not postgres"` runs those that
need no database server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

MARKERS = {
    "postgres": "starts a PostgreSQL server",
    "envoy": "starts Envoy, alone or with the whole service",
    "grpcurl": "calls grpcurl; skipped where there is none",
    "clients": "generates clients in other languages; fetches their tools the first time",
}
FIXTURES = {"postgres_server": "postgres"}
"""What asks for such a fixture, itself or by another, needs it."""
PARAMETERS = {"postgres": "postgres"}
"""What runs once on each database needs a server for one of them."""
FILES = {
    "tests/api/": ("envoy",),
    "tests/attack/": ("envoy",),
    "tests/api/test_faults.py::test_a_postgres_that_stops_and_comes_back": ("postgres",),
    "tests/api/test_grpcurl.py": ("grpcurl",),
    "tests/benchmarks/test_smoke.py": ("postgres", "envoy"),
    "tests/chaos/": ("envoy",),
    "tests/chaos/test_outages.py": ("postgres",),
    "tests/cli/": ("envoy",),
    "tests/docs/test_pages.py::test_every_command_works_as_printed": ("envoy", "grpcurl"),
    "tests/gateway/": ("envoy",),
    "tests/importer/test_service.py": ("envoy",),
    "tests/protos/test_clients.py": ("clients",),
    "tests/storage/sql/postgres/": ("postgres",),
}
"""What the tests need that no fixture shows, by the beginning of their names."""

_needed: set[str] | None = None
"""What the test that runs is marked with; None outside of tests."""


def mark(item: pytest.Item) -> None:
    """Marks a test with all that it needs."""
    for name in _needs(item):
        item.add_marker(name)


def running(item: pytest.Item) -> None:
    """Takes note of the test that is about to run."""
    global _needed  # noqa: PLW0603 - there is one test at a time
    _needed = {marker.name for marker in item.iter_markers()}


def require(name: str) -> None:
    """Called where something that not every machine has is started. Raises RuntimeError if the
    test that runs is not marked with it."""
    if _needed is not None and name not in _needed:
        raise RuntimeError(f"this test needs {name}: say so in tests/support/needs.py")


def _needs(item: pytest.Item) -> Iterator[str]:
    for beginning, names in FILES.items():
        if item.nodeid.startswith(beginning):
            yield from names
    for fixture in getattr(item, "fixturenames", ()):
        if fixture in FIXTURES:
            yield FIXTURES[fixture]
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        for value in item.callspec.params.values():
            if isinstance(value, str) and value in PARAMETERS:
                yield PARAMETERS[value]
