"""Real processes killed outright while callers ask on: everything accepted is accounted for, and the provider's ledger agrees.

A small helping of what `make chaos` does for longer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.killing import serve_killed
from tests.chaos.site import Way


@pytest.mark.parametrize("way", [Way.SMTP, Way.KEYED_GATEWAY])
async def test_serve_killed_on_sqlite_loses_and_repeats_nothing(tmp_path: Path, way: Way) -> None:
    outcome = await serve_killed(tmp_path, kills=2, seed=1, way=way)
    assert outcome.faults == []
    assert len(outcome.recoveries) == 2
