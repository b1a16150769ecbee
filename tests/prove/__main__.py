"""Takes each safeguard of delivery out of a copy of the code and shows that a test goes red: `make
prove`.

A safeguard nobody would miss is not one. Exit status 1 if a mutated copy passes its tests, or the
code of a safeguard is not found any more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.prove.mutation import Mutation
from tests.prove.mutations import MUTATIONS
from tests.prove.source import NotFoundOnceError, node_id, replace

ROOT = Path(__file__).resolve().parents[2]
TEST_SECONDS = 60
"""A mutated copy may go round in circles instead of failing: that is noticed too. Far longer than
any of the tests takes."""
SECONDS = 300
"""The same, of all its tests."""
NOTICED = ("failed", "hung")
JOBS = 2


def main() -> int:
    """Runs the mutations; 1 if any went unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help="only these safeguards",
        metavar="name",
        choices=[[], *(each.name for each in MUTATIONS)],
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=JOBS,
        help=f"copies to work on at the same time (default {JOBS})",
    )
    wanted = parser.parse_args()
    chosen = [each for each in MUTATIONS if not wanted.names or each.name in wanted.names]
    with tempfile.TemporaryDirectory(prefix="carillon-prove-") as directory:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(wanted.jobs):
            copies.put(_copied_tree(Path(directory) / f"carillon-{number}"))
        with ThreadPoolExecutor(wanted.jobs) as threads:
            noticed = sum(threads.map(lambda each: _is_noticed(each, copies), chosen))
    print(f"{noticed} of {len(chosen)} removed safeguards were noticed")
    return int(noticed < len(chosen))


def _copied_tree(copy: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in listed.rstrip("\0").split("\0"):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copyfile(ROOT / name, target)
    return copy


def _is_noticed(mutation: Mutation, copies: SimpleQueue[Path]) -> bool:
    copy = copies.get()
    try:
        tests = [node_id(copy, name) for name in mutation.tests]
        path, mutated = replace(copy, mutation.where, mutation.original, mutation.mutated)
        text = path.read_text("utf-8")
        started = time.monotonic()
        try:
            path.write_text(mutated, "utf-8")
            outcome = _run(tests, copy)
        finally:
            path.write_text(text, "utf-8")
    except NotFoundOnceError as error:
        print(f"STALE    {mutation.name}: {error}", flush=True)
        return False
    finally:
        copies.put(copy)
    print(f"{outcome:8} {mutation.name} ({time.monotonic() - started:.0f} s)", flush=True)
    return outcome in NOTICED


def _run(tests: Sequence[str], copy: Path) -> str:
    """`failed` or `hung`, as it should be; `PASSED`, or `BROKEN` if pytest could not run the tests
    at all."""
    # The package is installed from the working tree; the copy comes before it.
    environ = os.environ | {
        "PYTHONPATH": f"{copy}:{copy / 'generated'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        f"--timeout={TEST_SECONDS}",
        *tests,
    ]
    try:
        code = subprocess.run(
            command, cwd=copy, env=environ, capture_output=True, timeout=SECONDS, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return "hung"
    return {0: "PASSED", 1: "failed"}.get(code, "BROKEN")


if __name__ == "__main__":
    sys.exit(main())
