"""Recipients a second: from the request to the answer, all rows durable."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import httpx

from benchmarks.service import Target

RECIPIENTS_PER_CALL = 5


async def over_rest(target: Target, size: int) -> float:
    """Publishes a campaign to many recipients, then cancels it, so that delivery stays out of the next figure."""
    count = size * RECIPIENTS_PER_CALL
    recipients = [{"person_id": f"p{number}", "recipient": f"p{number}@example.com"} for number in range(count)]
    headers = {"authorization": f"Bearer {target.token}"}
    async with httpx.AsyncClient(base_url=target.rest, headers=headers, timeout=120) as client:
        draft = {
            "brand_id": "demo",
            "name": f"bench {uuid4().hex}",
            "segment_id": (await client.get("/v1/segments")).json()["segments"][0]["id"],
            "content": {"channel": "sms", "template_key": "welcome"},
        }
        path = f"/v1/messaging/campaigns/{(await client.post('/v1/messaging/campaigns', json=draft)).json()['id']}"
        started = perf_counter()
        (await client.post(f"{path}/publish", json={"recipients": recipients})).raise_for_status()
        seconds = perf_counter() - started
        (await client.post(f"{path}/cancel")).raise_for_status()
    return count / seconds


async def raw_executemany(_: Target, size: int) -> float:
    """As many rows of the same width in one transaction with nothing but sqlite3, two indexes, synchronous=FULL."""
    count = size * RECIPIENTS_PER_CALL
    rows = [(uuid4().hex, "demo", f"p{number}", f"p{number}@example.com", "sms", "welcome", "pending", number) for number in range(count)]
    with tempfile.TemporaryDirectory() as directory:
        connection = sqlite3.connect(Path(directory) / "floor.db", isolation_level=None)
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE m (id TEXT PRIMARY KEY, brand TEXT, person TEXT, address TEXT, channel TEXT, template TEXT, status TEXT,"
            " due INT);"
            "CREATE INDEX due ON m (channel, due, id); CREATE INDEX person ON m (brand, person, id);"
        )
        started = perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO m VALUES (?,?,?,?,?,?,?,?)", rows)
        connection.execute("COMMIT")
        seconds = perf_counter() - started
        connection.close()
    return count / seconds
