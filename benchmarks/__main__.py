"""`make bench`: each figure beside its floor, taken in the same run, as a ratio over repeats. Absolute figures drift with the machine."""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Awaitable, Callable
from time import perf_counter

from benchmarks import calls, publish
from benchmarks.service import Target, running

Measure = Callable[[Target, int], Awaitable[float]]

LINES: list[tuple[str, Measure, Measure]] = [
    ("ScheduleMessage / empty method, gRPC, 64 at once, calls per second", calls.schedule_message, calls.empty_method),
    ("publish recipients over REST / raw executemany of the same rows, rows per second", publish.over_rest, publish.raw_executemany),
]


async def measure(size: int, repeats: int) -> None:
    """Prints a line for each figure: median of both, and the ratio's minimum, median and maximum."""
    with running() as target:
        for name, figure, floor in LINES:
            pairs = [(await figure(target, size), await floor(target, size)) for _ in range(repeats)]
            ratios = sorted(ours / theirs for ours, theirs in pairs)
            ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            spread = f"{ratios[0]:.2f} {statistics.median(ratios):.2f} {ratios[-1]:.2f}"
            print(f"{name}\n  {ours:,.0f} / {theirs:,.0f}   ratio {spread} (min median max)")


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--size", type=int, default=4000, help="calls a measurement; publish uses five times as many recipients")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    started = perf_counter()
    asyncio.run(measure(arguments.size, arguments.repeats))
    print(f"took {perf_counter() - started:.0f} s; size {arguments.size}, {arguments.repeats} repeats, SQLite, synchronous=FULL")


if __name__ == "__main__":
    main()
