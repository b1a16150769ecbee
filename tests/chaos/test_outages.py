"""The database goes away, the disk fills, campaigns are cancelled; all of it under load. A small
helping of `make chaos`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.cancelling import cancelled
from tests.chaos.disk import disk_full, namespaces_work
from tests.chaos.outages import crashed
from tests.support.postgres import running_postgres


async def test_postgres_that_crashes_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    with running_postgres(durable=True) as server:
        outcome = await crashed(tmp_path, server, times=1, seed=1)
    assert outcome.faults == []
    assert len(outcome.recoveries) == 1


async def test_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    if not await namespaces_work():
        pytest.skip("this machine allows no mounts in user namespaces")
    outcome = await disk_full(tmp_path, "sqlite", times=1)
    assert (outcome.faults, outcome.notes) == ([], [])
    assert len(outcome.recoveries) == 1


async def test_no_mail_after_the_answer_to_a_cancel_but_those_of_its_receipt(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    outcome = await cancelled(tmp_path, new_postgres_database(), times=3, seed=1)
    assert outcome.faults == []
    assert outcome.reckoning.statuses["cancelled"] > 0
