"""Resolves an audience of everybody of the brand `demo` as the dispatcher does, with nothing else
going on. A process of its own, so that its peak memory is that of resolving."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from time import perf_counter

from server.commands.campaigns.create import NewCampaign, create_campaign
from server.commands.campaigns.steps import NewStep, add_step
from server.commands.segments.create import NewSegment, create_segment
from server.commands.sends.resolve_audience import resolve_audience_batch
from server.commands.sends.start import send_campaign
from server.dispatch.maintenance.audience_resolver import AudienceResolver
from server.domain.access import Caller, Principal
from server.domain.clock import SystemClock
from server.domain.faces import Face
from server.runtime.demo import BRAND, TEMPLATE_KEY
from storage.contract.storage import Storage, Transaction
from storage.model.campaigns import Campaign
from storage.model.channels import Channel
from storage.model.sends import Send
from storage.sql.open import open_storage


async def start_send(storage: Storage, caller: Caller) -> Send:
    """A send to everybody by email; its first batch is resolved."""
    new = NewCampaign(
        brand_id=BRAND,
        name="everybody",
        segment_id=await everybody(storage, caller),
    )

    async def make(tx: Transaction) -> Campaign:
        campaign = await create_campaign(tx, caller, Face.MESSAGING, new)
        version = await tx.templates.find_version(BRAND, Channel.EMAIL, TEMPLATE_KEY)
        assert version is not None, "the demo has it"
        step = NewStep(
            position=1,
            template_id=version.template_id,
            template_version_id=version.id,
            variables={"news": "there are many of us"},
        )
        await add_step(tx, caller, campaign.id, step)
        return campaign

    campaign = await storage.write(make)
    return await storage.write(
        lambda tx: send_campaign(tx, caller, Face.MESSAGING, campaign.id, None)
    )


async def everybody(storage: Storage, caller: Caller) -> str:
    """A segment of everybody."""
    everybody = NewSegment(brand_id=BRAND, name="everybody", predicate={})
    return (await storage.write(lambda tx: create_segment(tx, caller, everybody))).id


@dataclass(frozen=True)
class Resolved:
    """An audience that has become messages."""

    messages: int
    seconds: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


async def resolve_everybody(storage: Storage) -> Resolved:
    """Turns everybody into messages."""
    clock = SystemClock()
    audiences = AudienceResolver(storage, clock, resolve_audience_batch)
    started = perf_counter()
    send = await start_send(
        storage, Caller(Principal("bench", frozenset({BRAND}), frozenset()), clock.now())
    )
    while await audiences.run_once():
        pass
    seconds = perf_counter() - started
    found = await storage.read(lambda tx: tx.sends.find(send.id))
    assert found is not None
    return Resolved(found.counters.total, seconds)


async def resolve(database_url: str) -> None:
    """Prints the rate."""
    storage = await open_storage(database_url)
    try:
        done = await resolve_everybody(storage)
        print(f"{done.rate:,.0f} rows/s ({done.messages:,} messages, {done.seconds:.1f} s)")
    finally:
        await storage.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database_url")
    asyncio.run(resolve(parser.parse_args().database_url))
