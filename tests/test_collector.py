from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from server.collector import settle


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    """The collector is the whole process's."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_is_there_at_the_start_is_not_looked_through_again_and_what_comes_is() -> None:
    settle()
    assert gc.get_freeze_count() > 1000
    there = gc.get_freeze_count()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.isenabled()
    assert gc.collect() >= 1
    assert gc.get_freeze_count() == there
