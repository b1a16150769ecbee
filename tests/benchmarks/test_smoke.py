"""The benchmarks still run. What they find is not judged here."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.__main__ import measure
from benchmarks.bench import Bench
from benchmarks.lines import LINES
from benchmarks.peers.environment import find_peers
from benchmarks.sizes import SMOKE

SOME = ("schedule-rest", "publish", "steps", "drain-smtp")
"""Lines that between them take every road of the benchmark but PostgreSQL and filled tables."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tries some of the lines; with `--thorough` all."""
    lines = LINES if metafunc.config.getoption("--thorough") else SOME
    metafunc.parametrize("line", lines)


async def test_lines_of_the_benchmark_run(line: str, tmp_path: Path) -> None:
    # On a thread, where it can have event loops of its own.
    figures = await asyncio.to_thread(
        measure, Bench(SMOKE, find_peers(wanted=False), tmp_path), [line]
    )
    assert figures
    assert [
        figure.not_measured for figure in figures if figure.not_measured not in {"", "left out"}
    ] == []
