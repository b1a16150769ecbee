"""A process that stands still, is given up, and goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from server.domain.delivery.timing import LEASE
from storage.sql.postgres.engine import IDLE_TRANSACTION_SECONDS
from tests.chaos.zombies import frozen_while_calling


def test_locks_of_a_process_that_stands_still_are_gone_before_its_leases_are() -> None:
    assert LEASE.total_seconds() > IDLE_TRANSACTION_SECONDS


async def test_zombie_that_comes_back_sends_nothing_again(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    outcome = await frozen_while_calling(tmp_path, new_postgres_database())
    assert outcome.faults == []
    assert outcome.reckoning.doubts, "it was given up"
    assert outcome.reckoning.unknown == [], "every answer came in the end"
