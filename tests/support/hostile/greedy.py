"""Calls of one brand that are expensive, made again and again, several at once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

import grpc
import httpx
from google.protobuf import json_format

from carillon.comms.v1 import inbox_service_pb2, message_service_pb2
from carillon.messaging.v1 import campaign_service_pb2, person_service_pb2
from tests.support.api.callers import (
    METHODS,
    GrpcCaller,
    full_path,
    refusal_in,
    success_status,
)
from tests.support.api.deliveries import MESSAGES, one_off
from tests.support.api.scenes import (
    FAR,
    MESSAGING,
    TEMPLATES,
    instant,
    messaging_campaign,
    ok,
    put_segment,
    put_sequence,
    put_template,
    template_id,
)

BATCH = 10_000
"""People that are put by one call."""
ROWS = 1000
"""Of one import or batch."""
ENROLLED = 50
"""People by one call each."""
WATCHED = 40
"""Streams of one call."""
SECONDS = 120.0
"""Longest that one call is waited for."""
_NUMBER = b"@@@@@@@@"
HEAVY = {
    "and": [
        {"!": [{"in": [{"var": "plan"}, ["none", "other"]]}]},
        {">=": [{"var": "seats"}, 1]},
        {"!=": [{"var": "city"}, "Nowhere"]},
    ]
}
"""A predicate that is true of everybody, and looks at all of them."""
LOOPS = "{% for a in (1..90) %}{% for b in (1..90) %}{{ a | plus: b }}{% endfor %}{% endfor %}"


@dataclass
class Greedy:
    """A brand of many people, and a client of its own."""

    api: GrpcCaller
    http: httpx.AsyncClient
    brand: str
    people: int
    answers: Counter[int] = field(default_factory=Counter)
    """Calls by the HTTP status of their answers."""
    _numbers: count[int] = field(default_factory=count)
    _ids: dict[str, str] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Puts its people, templates, a segment and a sequence."""
        for first in range(0, self.people, BATCH):
            people = self._people(range(first, min(self.people, first + BATCH)))
            await self._call_bytes("messaging.PersonService/BatchPutPeople", people)
        for channel in ("email", "in_app"):
            await put_template(self.api, self.brand, channel)
        await put_template(self.api, self.brand, "email", "loops", body=LOOPS)
        self._ids["template"] = await template_id(self.api, self.brand, "email", "loops")
        self._ids["segment"] = await put_segment(self.api, self.brand, HEAVY)
        self._ids["sequence"] = await put_sequence(self.api, self.brand)

    async def preview(self) -> None:
        """Counts all of its people."""
        await self._call(
            "messaging.SegmentService/PreviewPredicate",
            {"brand_id": self.brand, "predicate": HEAVY, "channel": "email"},
        )

    async def render(self) -> None:
        """Renders what loops until it is stopped."""
        about = {"id": self._ids["template"], "payload": {}}
        await self._call(f"{TEMPLATES}/RenderTemplate", about)

    async def publish(self) -> None:
        """Publishes to as many recipients as it has people, and takes that back."""
        campaign_id = await messaging_campaign(self.api, self.brand)
        request = campaign_service_pb2.PublishCampaignRequest(id=campaign_id).SerializeToString()
        await self._call_bytes(f"{MESSAGING}/PublishCampaign", request + self._recipients)
        await self._call(f"{MESSAGING}/CancelCampaign", {"id": campaign_id})

    async def publish_json(self) -> None:
        """The same over REST."""
        campaign_id = await messaging_campaign(self.api, self.brand)
        answer = await self.http.post(
            f"/v1/messaging/campaigns/{campaign_id}/publish",
            content=self._recipients_json,
            headers=dict(self._token) | {"content-type": "application/json"},
            timeout=SECONDS,
        )
        self.answers[answer.status_code] += 1
        await self._call(f"{MESSAGING}/CancelCampaign", {"id": campaign_id})

    async def resolve(self) -> None:
        """Publishes to all of its people by a segment, and takes that back when all are found."""
        await self._publish_to_segment("email", hold=True)

    async def deliver(self) -> None:
        """Publishes to all of its people in the app, which is delivered at once."""
        await self._publish_to_segment("in_app", hold=False)

    async def import_people(self) -> None:
        """Puts people that are there, as an import does."""
        await self._call_bytes("messaging.PersonService/BatchPutPeople", self._rows_of_people)

    async def schedule(self) -> None:
        """Schedules a batch for a far day."""
        number = f"{next(self._numbers):0{len(_NUMBER)}}"
        request = self._rows_of_messages.replace(_NUMBER, number.encode())
        await self._call_bytes(f"{MESSAGES}/BatchScheduleMessages", request)

    async def read_lists(self) -> None:
        """Reads pages of lists by filters that few rows pass."""
        for filters in (
            {"reason": "none"},
            {"channel": "email", "status": "failed"},
            {"recipient": "nobody@example.com"},
            {},
        ):
            request = {"brand_id": self.brand, "page_size": 200, **filters}
            await self._call(f"{MESSAGES}/ListMessages", request)

    async def enroll(self) -> None:
        """Enrolls people one by one, as fast as it can."""
        for _ in range(ENROLLED):
            number = next(self._numbers) % self.people
            request = {
                "id": self._ids["sequence"],
                "brand_id": self.brand,
                "person_id": f"p{number}",
                "recipient": f"ann.{number}@example.com",
            }
            await self._call("comms.SequenceService/EnrollPerson", request)

    async def watch(self) -> None:
        """Watches inboxes that do not change."""
        streams = (self._watch(number) for number in range(WATCHED))
        async with asyncio.timeout(2):
            await asyncio.gather(*streams)

    async def _watch(self, number: int) -> None:
        method = METHODS["comms.InboxService/WatchInbox"]
        rpc: Any = self.api.channel.unary_stream(full_path(method))
        request = inbox_service_pb2.WatchInboxRequest(brand_id=self.brand, person_id=f"p{number}")
        async for _ in rpc(request.SerializeToString(), metadata=self._token):
            self.answers[200] += 1

    async def _publish_to_segment(self, channel: str, *, hold: bool) -> None:
        campaign_id = await messaging_campaign(self.api, self.brand, channel, HEAVY)
        request = {"id": campaign_id, "audience": "segment"}
        answer = await self._call(f"{MESSAGING}/PublishCampaign", request)
        send_id = answer["id"]
        if hold:
            await self._call("messaging.SendService/PauseSend", {"id": send_id})
        while True:
            send = await ok(self.api, "messaging.SendService/GetSend", {"id": send_id})
            if send["total_recipients"] >= self.people or send["status"] != "sending":
                break
            # Nobody tells another process.
            await asyncio.sleep(0.2)
        await self._call(f"{MESSAGING}/CancelCampaign", {"id": campaign_id})

    async def _call(self, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.api.call(method, request, seconds=SECONDS)
        self.answers[answer.status] += 1
        body: dict[str, Any] = answer.body
        return body

    async def _call_bytes(self, method: str, request: bytes) -> None:
        """Calls with bytes that were made before: the client must not be what others wait for."""
        rpc: Any = self.api.channel.unary_unary(full_path(METHODS[method]))
        try:
            await rpc(request, metadata=self._token, timeout=SECONDS)
        except grpc.aio.AioRpcError as error:
            self.answers[refusal_in(error).status] += 1
        else:
            self.answers[success_status(METHODS[method])] += 1

    @property
    def _token(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.api.token}"),)

    @cached_property
    def _recipients(self) -> bytes:
        request = campaign_service_pb2.PublishCampaignRequest()
        request.recipients.extend(
            campaign_service_pb2.Recipient(**each) for each in self._named_recipients()
        )
        return request.SerializeToString()

    @cached_property
    def _rows_of_people(self) -> bytes:
        return self._people(range(min(ROWS, self.people)))

    @cached_property
    def _rows_of_messages(self) -> bytes:
        """A batch whose dedup keys have _NUMBER in them."""
        request = message_service_pb2.BatchScheduleMessagesRequest(brand_id=self.brand)
        for number in range(min(ROWS, self.people)):
            message = one_off(
                self.brand, dedup_key=f"{_NUMBER.decode()}-{number}", scheduled_at=instant(FAR)
            )
            del message["brand_id"]
            json_format.ParseDict(message, request.messages.add())
        return request.SerializeToString()

    def _people(self, numbers: range) -> bytes:
        people = [
            {
                "person_id": f"p{number}",
                "email": f"ann.{number}@example.com",
                "attributes": {"plan": "gold", "seats": 1 + number % 9, "city": "Lisboa"},
            }
            for number in numbers
        ]
        return json_format.ParseDict(
            {"brand_id": self.brand, "people": people}, person_service_pb2.BatchPutPeopleRequest()
        ).SerializeToString()

    @cached_property
    def _recipients_json(self) -> bytes:
        return json.dumps({"recipients": self._named_recipients()}).encode()

    def _named_recipients(self) -> list[dict[str, str]]:
        return [
            {"person_id": f"p{number}", "recipient": f"ann.{number}@example.com"}
            for number in range(self.people)
        ]


Kind = Callable[[Greedy], Awaitable[None]]
KINDS: dict[str, tuple[Kind, int]] = {
    "nothing": (lambda _: asyncio.sleep(0.1), 1),
    "previews of segments": (Greedy.preview, 4),
    "renders that loop": (Greedy.render, 4),
    "publishing to recipients, gRPC": (Greedy.publish, 2),
    "publishing to recipients, REST": (Greedy.publish_json, 2),
    "resolving audiences": (Greedy.resolve, 2),
    "delivering in the app": (Greedy.deliver, 2),
    "imports of people": (Greedy.import_people, 4),
    "batches of messages": (Greedy.schedule, 4),
    "lists by filters": (Greedy.read_lists, 8),
    "enrollments": (Greedy.enroll, 8),
    "watchers of inboxes": (Greedy.watch, 2),
}
"""What is called, and how many at once; `nothing` is what the others compare with."""


async def go_on(greedy: Greedy, kind: Kind, stop: asyncio.Event) -> None:
    """Makes the calls of a kind again and again until told to stop; at least once."""
    while True:
        with suppress(TimeoutError):
            await kind(greedy)
        if stop.is_set():
            return
