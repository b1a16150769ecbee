"""What is expensive in one brand is held up, or refused, in that brand alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage.contract.work import PREVIEWS_AT_ONCE
from tests.api.conftest import NewDatabase
from tests.support.api.callers import Caller, caller
from tests.support.api.deliveries import MESSAGES, one_off
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import ok, put_segment, put_template
from tests.support.storage.endless import Endless

PREVIEW = "messaging.SegmentService/PreviewPredicate"
LONG = 300.0


@pytest.fixture
async def unhurried(
    database: str, tmp_path: Path, new_postgres_database: NewDatabase
) -> AsyncIterator[Running]:
    """A service that lets previews run on."""
    url = new_postgres_database() if database == "postgres" else ""
    async with running_service(tmp_path, url, preview_seconds=LONG) as running:
        yield running


async def lives(api: Caller, brand: str) -> None:
    """Fails unless the brand is read, written and delivered to."""
    await put_segment(api, brand)
    await ok(api, "messaging.SegmentService/ListSegments", {"brand_id": brand})
    message: dict[str, Any] = one_off(brand, channel="in_app", recipient="ann")
    del message["scheduled_at"]
    assert (await ok(api, f"{MESSAGES}/SendMessage", message))["status"] == "sent"


async def test_previews_are_one_of_a_brand_at_a_time_and_hold_up_nothing_else(
    unhurried: Running, transport: str, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, other = (caller(transport, unhurried, each) for each in (brand, f"{brand}-other"))
    await put_template(other, f"{brand}-other", "in_app")
    request = {"brand_id": brand, "predicate": {}}
    assert unhurried.service.storage is not None
    async with Endless(unhurried.service.storage) as reads:
        await reads.begin(PREVIEWS_AT_ONCE)
        monkeypatch.setattr("server.api.turns.WAIT_SECONDS", 0)
        previews = {asyncio.create_task(api.call(PREVIEW, request)) for _ in range(3)}
        refused, others = set(), previews
        while len(others) > 1:
            done, others = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
            refused |= done
        for each in refused:
            answer = each.result()
            assert (answer.status, answer.error) == (429, "overloaded")
            assert answer.headers["retry-after"] == "1"
        await lives(other, f"{brand}-other")

        (working,) = others
        monkeypatch.setattr("server.api.turns.WAIT_SECONDS", LONG)
        assert not working.done()
        working.cancel()
        next_one = asyncio.create_task(api.call(PREVIEW, request))
    assert (await next_one).status == 200
