"""What a load generator found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

AT_ONCE = 64
"""Calls in flight."""


@dataclass(slots=True)
class Load:
    """One burst of calls: how long it took, and how busy the generator was, which must not be what
    limits it."""

    calls: int
    seconds: float = 0.0
    busy: float = 0.0
    """Seconds of processor time of the generator."""

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds

    @property
    def generator_share(self) -> float:
        """How much of one core the generator used, from 0 to 1."""
        return self.busy / self.seconds

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Takes the time of what is done in it."""
        started, busy = time.perf_counter(), time.process_time()
        yield
        self.seconds, self.busy = time.perf_counter() - started, time.process_time() - busy
