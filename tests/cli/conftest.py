"""Installations to run commands in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.carillon import Installation, processes_of


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An empty directory; after the test nothing that was started there may still run."""
    yield Installation(tmp_path)
    assert processes_of(tmp_path) == []
