"""The benchmarks still run. What they find is not judged here."""

import asyncio
import sys

import pytest

from benchmarks.lines import LINES
from benchmarks.service import ROOT


@pytest.mark.parametrize("line", LINES)
async def test_every_line_of_the_benchmark_runs(line: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks",
        "--smoke",
        "--only",
        line,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
