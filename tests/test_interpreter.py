from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from server.runtime.tuning import tune


@pytest.fixture(autouse=True)
def interpreter_as_before() -> Iterator[None]:
    """It is the whole process's."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_is_there_at_the_start_is_not_looked_through_again_and_what_comes_is() -> None:
    tune()
    assert gc.get_freeze_count() > 1000
    there = gc.get_freeze_count()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.isenabled()
    assert gc.collect() >= 1
    assert gc.get_freeze_count() == there
