"""Resolves an audience of everybody of the brand `demo` with the gate and without it, after filling
a database with consents and preferences: what it adds is to be at most a tenth."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from itertools import islice, product
from time import perf_counter
from typing import Any
from unittest.mock import patch

from benchmarks.audience_resolve import resolve_everybody
from benchmarks.figures import at_most
from server.domain.clock import SystemClock
from server.runtime.demo import BRAND
from storage.contract.storage import Storage, Transaction
from storage.model.channels import Channel
from storage.model.consents import Consent
from storage.model.ids import new_id
from storage.model.preferences import Preference
from storage.sql.aggregates import audiences
from storage.sql.open import open_storage

TARGET = at_most(1.1)
REPEATS = 2
"""Each way in turn; the faster counts."""
_AT_ONCE = 10_000
_ABOUT = [
    (channel.value, category)
    for category, channel in product(("marketing", "news", "offers"), Channel)
]
"""What people say something about, as far as there are records; what is asked for comes first."""
_NO = 20
"""One of so many people says no."""

Put = Callable[[Transaction], Any]


def records(people: int, count: int) -> Iterator[tuple[bool, Consent | Preference]]:
    """So many records, whether each is a consent; everybody has as many."""
    now = SystemClock().now()
    kinds = islice(product(_ABOUT, (True, False)), max(1, count // people))
    for (channel, category), is_consent in kinds:
        for number in range(people):
            about: dict[str, Any] = {
                "id": new_id(), "brand_id": BRAND, "person_id": f"p{number:08}",
                "channel": channel, "category": category, "created_at": now, "updated_at": now,
            }  # fmt: skip
            yes = number % _NO != 0
            yield (
                is_consent,
                Consent(opted_in=yes, source="import", **about)
                if is_consent
                else Preference(enabled=yes, **about),
            )


async def fill(storage: Storage, people: int, count: int) -> int:
    """Puts the records; how many."""
    put, remaining = 0, records(people, count)
    while some := list(islice(remaining, _AT_ONCE)):
        consents = [each for is_consent, each in some if is_consent]
        preferences = [each for is_consent, each in some if not is_consent]

        async def write(
            tx: Transaction, consents: list[Any] = consents, preferences: list[Any] = preferences
        ) -> None:
            await tx.consents.put_many(consents)
            await tx.preferences.put_many(preferences)

        await storage.write(write)
        put += len(some)
    return put


async def measure(database_url: str, people: int, count: int) -> None:
    """Prints what the gate adds."""
    storage = await open_storage(database_url)
    try:
        started = perf_counter()
        put = await fill(storage, people, count)
        print(f"{put:,} records put ({put / (perf_counter() - started):,.0f} a second)")
        with_gate, without = [], []
        for _ in range(REPEATS):
            with patch.object(audiences, "block_reasons", lambda *_, **__: []):
                without.append(await resolve_everybody(storage))
            with_gate.append(await resolve_everybody(storage))
        ratio = max(each.rate for each in without) / max(each.rate for each in with_gate)
        rates = ", ".join(
            f"{name} {max(each.rate for each in resolved):,.0f} rows/s"
            for name, resolved in (("with", with_gate), ("without", without))
        )
        reached = "reached" if TARGET.reached(ratio) else "missed"
        print(f"{rates}: {ratio:.2f} times as long (target {TARGET}: {reached})")
    finally:
        await storage.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database_url")
    parser.add_argument("people", type=int)
    parser.add_argument("records", type=int)
    given = parser.parse_args()
    asyncio.run(measure(given.database_url, given.people, given.records))
