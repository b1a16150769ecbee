"""Campaigns are cancelled while they are being sent."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

from tests.chaos.outcome import Outcome
from tests.chaos.site import Site, site_on
from tests.support.api.scenes import MESSAGING

DISPATCHERS = 2
AUDIENCE = 300


async def cancelled(directory: Path, database_url: str, times: int, seed: int) -> Outcome:
    """Each at another moment. After the answer no mail may come but those that the receipt said
    were in flight."""
    random = Random(seed)
    async with site_on(directory, database_url, DISPATCHERS) as site:
        notes = [
            note
            for _ in range(times)
            for note in await _cancel_one(site, random.randrange(AUDIENCE // 2))
        ]
        outcome = await site.reckon()
        outcome.kills, outcome.notes = times, notes
        return outcome


async def _cancel_one(site: Site, after: int) -> list[str]:
    """Cancels a campaign once so many of its mails have been taken; what was wrong with that."""
    before = len(site.peer.entries())
    campaign_id, send_id = await site.load.campaign(AUDIENCE)
    await site.peer.took(before + after)
    receipt = (await site.load.client.call(f"{MESSAGING}/CancelCampaign", {"id": campaign_id}))[
        "receipt"
    ]
    answered = time.time()
    await site.waits_until(
        f"SELECT id FROM sends WHERE id = '{send_id}' AND completed_at IS NOT NULL",  # noqa: S608
        60,
    )
    entries = site.peer.entries()[before:]
    late = [entry for entry in entries if entry.at > answered]
    notes = []
    if len(late) > receipt["in_flight"]:
        notes.append(
            f"{len(late)} mails after the answer to a cancel that told of {receipt['in_flight']} "
            f"in flight"
        )
    if len(entries) > receipt["sent"] + receipt["in_flight"]:
        notes.append(f"{len(entries)} mails of a cancelled send that told of {receipt}")
    if receipt["sent"] + receipt["in_flight"] + receipt["cancelled"] != AUDIENCE:
        notes.append(f"a receipt that does not add up: {receipt}")
    return notes
