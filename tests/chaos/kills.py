"""Processes are killed outright again and again while they work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from tests.chaos.fleet import Member


async def kill_again_and_again(members: Sequence[Member], kills: int, random: Random, shortest: float, longest: float) -> list[float]:
    """Kills one of them after a while, `shortest` to `longest` seconds, and starts it again at once; so many times. The instants."""
    instants = []
    for _ in range(kills):
        # The moment is meant to be any moment, so nothing is waited for but time.
        await asyncio.sleep(random.uniform(shortest, longest))
        victim = random.choice(members)
        instants.append(await victim.kill())
        await victim.start()
    return instants
