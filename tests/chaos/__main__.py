"""`make chaos`: kills, freezes, fills and breaks what Carillon runs on, under load, and compares
what it says with what its providers took.

Exit status 1 if a promise was broken; what the processes said is kept then.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import disk, table
from tests.chaos.ending import run_to_its_end
from tests.chaos.outcome import Outcome
from tests.chaos.scenarios import SCENARIOS, Place, Scenario
from tests.support.postgres import running_postgres

LONGEST = 900.0
"""Seconds after which a scenario at full size has failed."""


async def chaos(names: list[str], seed: int, scale: float, *, write: bool) -> bool:
    """Runs the scenarios one after the other, prints the table. Whether all promises were kept."""
    lines, kept = [], True
    mounts = await disk.namespaces_work()
    for scenario in [each for each in SCENARIOS if not names or each.name in names]:
        if scenario.name.startswith("disk-") and not mounts:
            print(
                f"{scenario.name}: left out, since this machine allows no mounts in user "
                f"namespaces",
                flush=True,
            )
            continue
        outcome = await _run(scenario, seed, scale)
        kept = kept and outcome is not None and not outcome.faults
        if outcome is not None:
            lines.append(table.line_of(scenario, outcome))
    text = table.render(lines, seed, _postgres_version())
    print(f"\n{text}")
    if write and kept:
        table.write(text)
    return kept


async def _run(scenario: Scenario, seed: int, scale: float) -> Outcome | None:
    directory = Path(tempfile.mkdtemp(prefix="carillon-chaos-"))
    started = time.monotonic()
    try:
        async with asyncio.timeout(LONGEST * max(scale, 1)):
            outcome = await scenario.run(Place(directory, seed, scale))
    except Exception as error:  # noqa: BLE001 - the others are run all the same
        print(f"{scenario.name}: {error!r}; see {directory}", flush=True)
        return None
    print(
        f"{scenario.name}: {time.monotonic() - started:.0f} s, {outcome.reckoning.statuses}",
        flush=True,
    )
    if outcome.faults:
        print(
            "".join(f"  BROKEN: {fault}\n" for fault in outcome.faults) + f"  see {directory}",
            flush=True,
        )
    else:
        shutil.rmtree(directory)
    return outcome


def _postgres_version() -> str:
    with running_postgres() as server:
        return server.version


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument(
        "names", nargs="*", metavar="scenario", help=f"only these, of {', '.join(names)}"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of the moments at which things are struck"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="times the number of strikes")
    parser.add_argument(
        "--write",
        action="store_true",
        help="put the table into docs/reliability.md, if all promises were kept",
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(names))
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}")
    kept = run_to_its_end(
        chaos(arguments.names, arguments.seed, arguments.scale, write=arguments.write)
    )
    sys.exit(not kept)


if __name__ == "__main__":
    main()
