"""Real processes killed outright while callers ask on: everything accepted is accounted for, and
the provider's ledger agrees.

A small helping of what `make chaos` does for longer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos.killing import killed_while_calling, serve_killed
from tests.chaos.site import MARKETING_CONCURRENCY


async def test_serve_killed_on_sqlite_loses_and_repeats_nothing(tmp_path: Path) -> None:
    outcome = await serve_killed(tmp_path, kills=1, seed=1)
    assert outcome.faults == []
    assert len(outcome.recoveries) == 1


async def test_dispatcher_killed_on_postgres_leaves_in_doubt_what_it_was_calling_for(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    outcome = await killed_while_calling(tmp_path, new_postgres_database())
    assert outcome.faults == []
    assert len(outcome.reckoning.unknown) == MARKETING_CONCURRENCY
