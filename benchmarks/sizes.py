"""How much each line does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The defaults, but for those of steps, fit into ten minutes on two cores."""

    repeats: int = 3
    repeats_most: int = 2
    """Of the line that publishes the most, with a new service each time."""
    calls: int = 6_000
    """Of ours, and of the empty method, in a burst."""
    peer_calls: int = 2_000
    latencies: int = 300
    """Single messages to an idle service."""
    published: int = 100_000
    published_most: int = 1_000_000
    drained: int = 30_000
    """Messages of a send in_app."""
    drained_postgres: int = 20_000
    drained_smtp: int = 6_000
    peer_smtp: int = 3_000
    bullmq_jobs: int = 30_000
    celery_jobs: int = 3_000
    procrastinate_jobs: int = 2_000
    enrolled: int = 1_000_000
    """People of a campaign of several steps."""
    waiting: int = 1_000_000
    """Messages scheduled for later, in the lateness line."""
    coming_due: int = 500
    """Messages that come due each second there."""
    due_seconds: int = 20
    table_rows: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    finished_rows: int = 5_000_000
    """On top of those, in the last step."""
    growth_drained: int = 10_000

    def changed(self, values: Mapping[str, int]) -> Sizes:
        """With some of them as given."""
        # Only fields that are int are given.
        return replace(self, **values)  # type: ignore[arg-type]


SMOKE = Sizes(
    repeats=1,
    repeats_most=1,
    calls=100,
    peer_calls=50,
    latencies=5,
    published=200,
    published_most=1_000,
    drained=200,
    drained_postgres=200,
    drained_smtp=50,
    peer_smtp=20,
    bullmq_jobs=100,
    celery_jobs=20,
    procrastinate_jobs=20,
    enrolled=100,
    waiting=2_000,
    coming_due=50,
    due_seconds=1,
    table_rows=(100,),
    finished_rows=300,
    growth_drained=100,
)
