"""The table in docs/reliability.md."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.outcome import Outcome
from tests.chaos.scenarios import Scenario
from tests.support.carillon import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "reliability.md"
BEGIN, END = "<!-- begin: written by make chaos -->", "<!-- end: written by make chaos -->"
_HEAD = (
    "scenario",
    "database",
    "strikes",
    "messages",
    "lost",
    "duplicated",
    "miscounted",
    "unknown",
    "recovery p50 / p99",
    "lateness p50 / p99",
)


def line_of(scenario: Scenario, outcome: Outcome) -> tuple[str, ...]:
    """The cells of a scenario."""
    found = outcome.reckoning
    duplicated = (
        f"{len(found.duplicated)} of ≤ {outcome.most_duplicated}"
        if outcome.most_duplicated
        else str(len(found.duplicated))
    )
    unknown = (
        f"{len(found.unknown)} of ≤ {outcome.most_unknown}"
        if outcome.most_unknown
        else str(len(found.unknown))
    )
    return (
        scenario.title, scenario.database, str(outcome.kills), f"{found.messages:,}",
        str(len(found.lost)), duplicated,
        str(len(found.contradicted) + len(found.drift)), unknown, _percentiles(outcome.recoveries),
        _percentiles(found.lateness),
    )  # fmt: skip


def render(lines: Sequence[tuple[str, ...]], seed: int, postgres: str) -> str:
    """The table, and where it comes from."""
    rows = [_HEAD, tuple("---" if number < 2 else "--:" for number in range(len(_HEAD))), *lines]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n{_machine(seed, postgres)}"


def write(text: str) -> None:
    """Puts it between the marks of the document."""
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def _percentiles(values: Sequence[float]) -> str:
    """The middle one and the one that 99 of 100 do not exceed, in seconds."""
    if not values:
        return "–"
    ordered = sorted(values)
    p50, p99 = (ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.99))
    return f"{p50:.2f} / {p99:.2f} s"


def _machine(seed: int, postgres: str) -> str:
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in _lines("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = (
        next(
            (
                int(line.split()[1])
                for line in _lines("/proc/meminfo")
                if line.startswith("MemTotal")
            ),
            0,
        )
        / 1024**2
    )
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}; {os.cpu_count()} × {cpu}, {memory:.0f} GiB, "
        f"Linux {platform.release()}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {postgres}."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines()
