"""A brand that asks for little while another one asks for much, and how long it waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
from uuid import uuid4

from tests.support.api.answers import Answer
from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, one_off
from tests.support.api.scenes import put_segment, put_template

EVERY = 0.04
"""Seconds between two calls of a kind, whether the one before is answered or not: who waits for
the answer first does not see how long others would have waited."""
PATIENCE = 120.0
"""Seconds until all its messages must have gone out."""


def percentile(times: list[float], share: float) -> float:
    """The time that this share of them do not pass."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


@dataclass
class Neighbour:
    """A brand, its clients over both transports, and how many seconds each of its calls took."""

    grpc: Caller
    rest: Caller
    brand: str
    times: dict[str, list[float]] = field(default_factory=dict)
    _accepted: dict[str, float] = field(default_factory=dict)
    _segment: str = ""

    async def prepare(self) -> None:
        """Puts what it reads and sends, and makes each of its calls once."""
        self._segment = await put_segment(self.grpc, self.brand)
        for channel in ("email", "in_app"):
            await put_template(self.grpc, self.brand, channel)
        await self.live(2)

    async def live(self, ticks: int) -> None:
        """Reads, writes and has messages delivered, at a steady pace."""
        self.times, self._accepted = {}, {}
        addresses = cycle((("email", "ann@example.com"), ("in_app", "ann")))
        async with asyncio.TaskGroup() as calls:
            started = time.monotonic()
            for tick in range(ticks):
                await asyncio.sleep(max(0.0, started + tick * EVERY - time.monotonic()))
                # What it would see of a client that is itself too slow.
                self._note("client", time.monotonic() - started - tick * EVERY)
                calls.create_task(self._read("read, gRPC", self.grpc))
                calls.create_task(self._read("read, REST", self.rest))
                calls.create_task(self._write(*next(addresses)))
        await self._read_deliveries()

    async def _read(self, name: str, api: Caller) -> None:
        about = {"id": self._segment}
        await self._timed(name, lambda: api.call("messaging.SegmentService/GetSegment", about))

    async def _write(self, channel: str, address: str) -> None:
        message = one_off(self.brand, channel=channel, recipient=address, dedup_key=uuid4().hex)
        answer = await self._timed(
            "write", lambda: self.grpc.call(f"{MESSAGES}/ScheduleMessage", message)
        )
        self._accepted[answer.body["id"]] = time.time()

    async def _read_deliveries(self) -> None:
        """How long after it was accepted each message went out."""
        async with asyncio.timeout(PATIENCE):
            for message_id, accepted in self._accepted.items():
                sent = await self._sent_at(message_id)
                self._note("delivery", max(0.0, sent - accepted))

    async def _sent_at(self, message_id: str) -> float:
        while True:
            answer = await self.grpc.call(f"{MESSAGES}/GetScheduledMessage", {"id": message_id})
            assert answer.status == 200, answer
            if answer.body["sent_at"]:
                return datetime.fromisoformat(answer.body["sent_at"]).timestamp()
            assert answer.body["status"] in ("pending", "sending"), answer
            # Nobody tells another process.
            await asyncio.sleep(0.05)

    async def _timed(self, name: str, call: Callable[[], Awaitable[Answer]]) -> Answer:
        started = time.monotonic()
        answer = await call()
        assert answer.status < 300, answer
        self._note(name, time.monotonic() - started)
        return answer

    def _note(self, name: str, seconds: float) -> None:
        self.times.setdefault(name, []).append(seconds)
