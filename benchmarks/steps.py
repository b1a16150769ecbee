"""Campaigns of several steps: three steps to so many people, beside three campaigns of one step to
as many."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from benchmarks.bench import Bench
from benchmarks.calls import Service, service
from benchmarks.draining import people_ids
from benchmarks.figures import Figure, at_most
from benchmarks.service import running

CHANNEL = "in_app"
STEPS = 3
PATIENCE = 3600.0
"""Seconds until one campaign must have come to its end."""


def of_campaign(bench: Bench) -> Iterator[Figure]:
    """From the request to publish to the end of the last step, with everybody counted once."""
    addresses = people_ids(bench.sizes.enrolled)
    ours, theirs = [], []
    with running() as target, service(target) as ready:
        ready.put_template(CHANNEL)
        ready.put_people(len(addresses))
        # Once: it takes longer than all other lines together.
        ours.append(_ended(ready, addresses, STEPS))
        theirs.append(sum(_ended(ready, addresses, 1) for _ in range(STEPS)))
    yield Figure(
        f"{STEPS} steps to {len(addresses):,} people, published and drained in_app",
        "s",
        ours,
        f"{STEPS} campaigns of one step",
        theirs,
        at_most(2.5),
    )


def _ended(ready: Service, addresses: Sequence[str], steps: int) -> float:
    """Seconds until a new campaign has come to its end."""
    started = time.perf_counter()
    ended = ready.wait_until_ended(ready.publish(CHANNEL, addresses, steps), PATIENCE)
    seconds = time.perf_counter() - started
    assert (ended.total_recipients, ended.sent_count) == (len(addresses),) * 2, ended
    return seconds
