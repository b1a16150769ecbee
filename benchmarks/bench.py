"""What every line is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.peers.environment import Peers
from benchmarks.sizes import Sizes


@dataclass(frozen=True)
class Bench:
    """One run."""

    sizes: Sizes
    peers: Peers
    scratch: Path
    """A directory on a disk, not in memory: writes must be as durable as they claim."""


Line = Callable[[Bench], Iterator[Figure]]
"""Measures, and yields its figures one by one."""
