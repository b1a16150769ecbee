"""The benchmarks still run. What they find is not judged here."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.__main__ import measure
from benchmarks.bench import Bench
from benchmarks.lines import LINES
from benchmarks.peers.environment import find_peers
from benchmarks.sizes import SMOKE


@pytest.mark.parametrize("line", LINES)
async def test_every_line_of_the_benchmark_runs(line: str, tmp_path: Path) -> None:
    # On a thread, where it can have event loops of its own.
    figures = await asyncio.to_thread(
        measure, Bench(SMOKE, find_peers(wanted=False), tmp_path), [line]
    )
    assert figures
    assert [
        figure.not_measured for figure in figures if figure.not_measured not in {"", "left out"}
    ] == []
