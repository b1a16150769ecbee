"""`make bench`: each figure beside its floor or peer, taken in the same run, as a ratio over
repeats, and whether it reached its target. Absolute figures drift with the machine."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, report
from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.lines import LINES
from benchmarks.peers.environment import find_peers
from benchmarks.service import ROOT
from benchmarks.sizes import SMOKE, Sizes

PAGE = ROOT / "docs" / "performance.md"


def measure(bench: Bench, names: Sequence[str]) -> list[Figure]:
    """Runs the lines and prints their figures as they come. A line that fails does not take the
    others with it."""
    figures: list[Figure] = []
    for name in names:
        started = time.perf_counter()
        print(f"{name}:", flush=True)
        try:
            for figure in LINES[name](bench):
                figures.append(figure)
                print(report.as_text(figure), flush=True)
        except Exception as error:  # noqa: BLE001 - the others are still worth their time
            figures.append(Figure(name, "", not_measured=f"failed with {type(error).__name__}"))
            print(f"  failed: {error!r}", flush=True)
        print(f"  ({time.perf_counter() - started:.0f} s)", flush=True)
    return figures


def main() -> int:
    """Reads the arguments and runs. Returns 1 if a line failed; a target that is missed is no
    failure."""
    arguments = _parser().parse_args()
    sizes = (SMOKE if arguments.smoke else Sizes()).changed(_given_sizes(arguments))
    peers = find_peers(wanted=not (arguments.smoke or arguments.no_peers))
    # As Ctrl-C does, so that no service is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    load, started = machine.load_before(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as scratch:
        place = machine.description(Path(scratch))
        print(f"{place}; {load}", flush=True)
        figures = measure(Bench(sizes, peers, Path(scratch)), arguments.only or list(LINES))
    took = time.perf_counter() - started
    print(
        f"took {took:.0f} s; SQLite with synchronous=FULL, PostgreSQL with fsync and "
        f"synchronous_commit; {load}"
    )
    if not arguments.only and not arguments.smoke:
        facts = [
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `{machine.command()}`, {took:.0f} s",
            f"{place}; {load}",
            machine.versions(peers),
        ]
        report.write_between_markers(PAGE, report.as_page(facts, figures))
    return any(figure.not_measured.startswith("failed") for figure in figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(LINES), help="this line alone; may be given again"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="tiny sizes and no peers: does it still run?"
    )
    parser.add_argument(
        "--no-peers", action="store_true", help="leave out what has to be installed"
    )
    for field in _sizes():
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=int, metavar="N")
    return parser


def _given_sizes(arguments: argparse.Namespace) -> dict[str, int]:
    given = {field.name: getattr(arguments, field.name) for field in _sizes()}
    return {name: value for name, value in given.items() if value is not None}


def _sizes() -> list[dataclasses.Field[int]]:
    return [field for field in dataclasses.fields(Sizes) if field.type == "int"]


if __name__ == "__main__":
    sys.exit(main())
