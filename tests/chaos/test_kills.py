"""Real processes killed outright while callers ask on: everything accepted is accounted for, and the provider's ledger agrees.

A small helping of what `make chaos` does for longer.
"""

from __future__ import annotations

from pathlib import Path

from tests.chaos.killing import serve_killed


async def test_serve_killed_on_sqlite_loses_and_repeats_nothing(tmp_path: Path) -> None:
    outcome = await serve_killed(tmp_path, kills=2, seed=1)
    assert outcome.faults == []
    assert len(outcome.recoveries) == 2
