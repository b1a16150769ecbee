"""What callers ask for meanwhile: one-off messages at a steady rate and campaigns one after the
other; and what of it was accepted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

from tests.chaos.client import Client
from tests.support.api.scenes import MESSAGING, TEMPLATES

BRAND = "acme"
AHEAD = 0.5
"""Seconds from when a one-off is asked for to when it is due."""
MOST_ASKED = 64
"""Requests that wait for their answers at once. With more of them callers leave out a turn: the
service is away, or too slow for them."""


@dataclass
class Accepted:
    """What the service said yes to."""

    due: dict[str, float] = field(default_factory=dict)
    """One-offs by id: the instant from which they were late, in seconds since 1970."""
    sends: dict[str, set[str]] = field(default_factory=dict)
    """Sends by id: the people they go to."""

    @property
    def total(self) -> int:
        return len(self.due) + sum(map(len, self.sends.values()))


class Load:
    """Asks, and keeps what was accepted."""

    def __init__(self, client: Client, channel: str = "email") -> None:
        self.client = client
        self.channel = channel
        self.accepted = Accepted()
        self._numbers = count()
        self._asking: set[asyncio.Task[Any]] = set()
        self._refused: list[BaseException] = []
        self._segment = ""
        self._step: dict[str, Any] = {}

    async def prepare(self) -> None:
        """A template, and the segment that campaigns must name."""
        about = {"brand_id": BRAND, "channel": self.channel, "key": "welcome"}
        template = await self.client.call(f"{TEMPLATES}/CreateTemplate", about, key="template")
        version = {"id": template["id"], "body": "Hello"}
        if self.channel == "email":
            version["subject"] = "Hi"
        made = await self.client.call(f"{TEMPLATES}/CreateTemplateVersion", version)
        self._step = {"template_id": template["id"], "template_version_id": made["id"]}
        segment = {"brand_id": BRAND, "name": "everybody", "predicate": {}}
        self._segment = (
            await self.client.call("messaging.SegmentService/CreateSegment", segment, key="segment")
        )["id"]

    @asynccontextmanager
    async def running(self, rate: float, size: int, pause: float) -> AsyncIterator[None]:
        """Until the block ends, `rate` one-offs a second and, every `pause` seconds, a campaign to
        `size` people. What was asked for by then has been accepted when this returns. Raises what
        kept a request from being accepted."""
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(self._one_offs(rate, stop)),
            asyncio.create_task(self._campaigns(size, pause, stop)),
        ]
        try:
            yield
        except BaseException:
            for task in (*tasks, *self._asking):
                task.cancel()
            raise
        stop.set()
        await asyncio.gather(*tasks)
        while self._asking:
            await asyncio.wait(self._asking)
        if self._refused:
            raise self._refused[0]

    async def one_off(self) -> str:
        """One message that is due in a moment; its id."""
        number = next(self._numbers)
        due = time.time() + AHEAD
        request = {
            "brand_id": BRAND, "channel": self.channel, "template_key": "welcome",
            "person_id": f"one-{number}",
            "recipient": self._address(f"one-{number}", number), "dedup_key": f"key-{number}",
            "scheduled_at": datetime.fromtimestamp(due, UTC).isoformat(),
        }  # fmt: skip
        message_id = str(
            (await self.client.call("comms.MessageService/ScheduleMessage", request))["id"]
        )
        self.accepted.due[message_id] = max(due, time.time())
        return message_id

    async def campaign(self, size: int) -> tuple[str, str]:
        """A campaign that is sending to so many people; its id and its send's."""
        number = next(self._numbers)
        request: dict[str, Any] = {
            "brand_id": BRAND, "name": f"news {number}", "segment_id": self._segment,
        }  # fmt: skip
        campaign_id = str(
            (
                await self.client.call(
                    f"{MESSAGING}/CreateCampaign", request, key=f"create-{number}"
                )
            )["id"]
        )
        step = {"id": campaign_id, "position": 1, **self._step}
        await self.client.call(f"{MESSAGING}/CreateCampaignStep", step, key=f"step-{number}")
        people = [f"person-{number}-{each}" for each in range(size)]
        recipients = [
            {"person_id": person, "recipient": self._address(person, each)}
            for each, person in enumerate(people)
        ]
        published = await self.client.call(
            f"{MESSAGING}/PublishCampaign",
            {"id": campaign_id, "recipients": recipients},
            key=f"publish-{number}",
        )
        self.accepted.sends[published["id"]] = set(people)
        return campaign_id, published["id"]

    def _address(self, person: str, number: int) -> str:
        return (
            f"{person}@example.com" if self.channel == "email" else f"+1202555{number % 10_000:04}"
        )

    async def _one_offs(self, rate: float, stop: asyncio.Event) -> None:
        started = time.monotonic()
        for number in count(1):
            await _wait(stop, started + number / rate - time.monotonic())
            if stop.is_set():
                return
            self._ask(self.one_off)

    async def _campaigns(self, size: int, pause: float, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._ask(partial(self.campaign, size))
            await _wait(stop, pause)

    def _ask(self, request: Callable[[], Coroutine[Any, Any, object]]) -> None:
        if len(self._asking) < MOST_ASKED:
            task = asyncio.create_task(request())
            self._asking.add(task)
            task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self._asking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._refused.append(error)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await stop.wait()
    except TimeoutError:
        pass
