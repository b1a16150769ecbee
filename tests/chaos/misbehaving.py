"""Mail servers that hang, reset after the body, refuse for now and refuse for good."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.behaviour import Deed, Fault
from tests.chaos.outcome import Outcome
from tests.chaos.site import MAX_IN_DOUBT, WORK, site_on

DISPATCHERS = 2
FAULTS = (
    Fault(share=0.01, deed=Deed.HANG, taken=True),
    Fault(share=0.01, deed=Deed.HANG, taken=False),
    Fault(share=0.05, deed=Deed.RESET, taken=True),
    Fault(share=0.05, deed=Deed.RESET, taken=False),
    Fault(share=0.10, deed=Deed.REFUSE, reply="451 4.3.0 later"),
    Fault(share=0.05, deed=Deed.REFUSE, reply="550 5.7.1 never"),
)
UNCLEAR = (Deed.HANG, Deed.RESET)


async def misbehaving(directory: Path, database_url: str, seconds: float) -> Outcome:
    """What the server hung or reset on is in doubt, and nothing else; what it refused for now is
    tried again; what it refused for good has failed. It also goes away for a second, and breaks off
    the calls it has."""
    async with site_on(directory, database_url, DISPATCHERS) as site:
        async with site.load.running(rate=20, size=20, pause=1.0):
            await site.peer.behave(*FAULTS, delay=WORK)
            await asyncio.sleep(seconds)
            await site.peer.refuse_connections()
            await asyncio.sleep(1)
            await site.peer.listen()
        await site.peer.behave(delay=WORK)
        outcome = await site.reckon(patience=240)
        deeds = await site.peer.deeds()
        outcome.kills = sum(count for deed, count in deeds.items() if deed is not Deed.ANSWER)
        outcome.most_unknown = sum(deeds[deed] for deed in UNCLEAR) + DISPATCHERS * MAX_IN_DOUBT
        return outcome
