"""Single calls to the service under measurement, over gRPC: what a line needs beside what it
measures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf import json_format

from benchmarks.service import BRAND, Target
from carillon.comms.v1 import message_service_pb2 as message_api
from carillon.comms.v1 import message_service_pb2_grpc as message_grpc
from carillon.messaging.v1 import campaign_service_pb2 as campaign_api
from carillon.messaging.v1 import campaign_service_pb2_grpc as campaign_grpc
from carillon.messaging.v1 import person_service_pb2 as person_api
from carillon.messaging.v1 import person_service_pb2_grpc as person_grpc
from carillon.messaging.v1 import segment_service_pb2 as segment_api
from carillon.messaging.v1 import segment_service_pb2_grpc as segment_grpc
from carillon.messaging.v1 import send_pb2, send_service_pb2_grpc, template_pb2
from carillon.messaging.v1 import send_service_pb2 as send_api
from carillon.messaging.v1 import template_service_pb2 as template_api
from carillon.messaging.v1 import template_service_pb2_grpc as template_grpc

TEMPLATE = "bench"
BODY = (
    "Hello {{ person.first_name | default: 'there' }}, {{ news | default: 'there is news' }}. "
    "Yours, the team of {{ person.city }}."
)
PEOPLE_AT_ONCE = 10_000
POLL_INTERVAL = 0.02
"""Seconds between looks at a send that is under way. What is measured by it is too slow by half of
that, at our cost."""


@dataclass
class Service:
    """Calls with a token."""

    target: Target
    channel: grpc.Channel

    def __post_init__(self) -> None:
        self._metadata = (("authorization", f"Bearer {self.target.token}"),)
        self.templates = template_grpc.TemplateServiceStub(self.channel)
        self.people = person_grpc.PersonServiceStub(self.channel)
        self.segments = segment_grpc.SegmentServiceStub(self.channel)
        self.campaigns = campaign_grpc.CampaignServiceStub(self.channel)
        self.sends = send_service_pb2_grpc.SendServiceStub(self.channel)
        self.messages = message_grpc.MessageServiceStub(self.channel)

    def put_template(self, channel: str) -> None:
        """A Liquid template with what people are called in it."""
        template = {"channel": channel, "key": TEMPLATE, "brand_id": BRAND}
        request = json_format.ParseDict(template, template_api.CreateTemplateRequest())
        template_id = self.call(self.templates.CreateTemplate, request).id
        version = template_api.CreateTemplateVersionRequest(id=template_id, body=BODY)
        if channel != "sms":
            version.subject = "News for {{ person.first_name | default: 'you' }}"
        self.call(self.templates.CreateTemplateVersion, version)

    def put_people(self, count: int) -> None:
        """People p0, p1 and so on, each with a name and a city."""
        for first in range(0, count, PEOPLE_AT_ONCE):
            people = [
                {
                    "person_id": f"p{number}",
                    "attributes": {"first_name": f"Ann {number}", "city": "Lisboa"},
                }
                for number in range(first, min(count, first + PEOPLE_AT_ONCE))
            ]
            request = json_format.ParseDict(
                {"brand_id": BRAND, "people": people}, person_api.BatchPutPeopleRequest()
            )
            self.call(self.people.BatchPutPeople, request)

    def create_campaign(self, channel: str, steps: int = 1) -> str:
        """A draft with so many steps of the template, none of which waits; its id."""
        segment = json_format.ParseDict(
            {"brand_id": BRAND, "name": "everybody", "predicate": {}},
            segment_api.CreateSegmentRequest(),
        )
        draft = {
            "brand_id": BRAND,
            "name": f"bench {uuid4().hex}",
            "segment_id": self.call(self.segments.CreateSegment, segment).id,
        }
        request = json_format.ParseDict(draft, campaign_api.CreateCampaignRequest())
        campaign_id = str(self.call(self.campaigns.CreateCampaign, request).id)
        version = self._version(channel)
        for position in range(steps):
            self.call(
                self.campaigns.CreateCampaignStep,
                campaign_api.CreateCampaignStepRequest(
                    id=campaign_id,
                    position=position,
                    template_id=version.template_id,
                    template_version_id=version.id,
                ),
            )
        return campaign_id

    def _version(self, channel: str) -> template_pb2.TemplateVersion:
        """What `put_template` put, now or before."""
        wanted = {"brand_id": BRAND, "key": TEMPLATE, "channel": channel}
        request = json_format.ParseDict(wanted, template_api.ListTemplatesRequest())
        (template,) = self.call(self.templates.ListTemplates, request).items
        of_template = template_api.ListTemplateVersionsRequest(id=template.id)
        version: template_pb2.TemplateVersion = self.call(
            self.templates.ListTemplateVersions, of_template
        ).items[0]
        return version

    def publish(self, channel: str, addresses: Sequence[str], steps: int = 1) -> str:
        """Publishes a new campaign to p0, p1 and so on; the id of its send."""
        request = campaign_api.PublishCampaignRequest(id=self.create_campaign(channel, steps))
        request.recipients.extend(
            campaign_api.Recipient(person_id=f"p{number}", recipient=address)
            for number, address in enumerate(addresses)
        )
        return str(self.call(self.campaigns.PublishCampaign, request).id)

    def pause(self, send_id: str) -> bool:
        """Until it is resumed, nothing of the send goes out. Whether it could be paused: not if it
        was completed already."""
        try:
            self.call(self.sends.PauseSend, send_api.PauseSendRequest(id=send_id))
        except grpc.RpcError:
            if self.send(send_id).HasField("completed_at"):
                return False
            raise
        return True

    def resume(self, send_id: str) -> None:
        """Ends the pause."""
        self.call(self.sends.ResumeSend, send_api.ResumeSendRequest(id=send_id))

    def cancel(self, campaign_id: str) -> None:
        """Cancels a campaign."""
        self.call(self.campaigns.CancelCampaign, campaign_api.CancelCampaignRequest(id=campaign_id))

    def newest_send(self, campaign_id: str) -> str:
        """The id of a campaign's last send."""
        page = self.call(
            self.campaigns.ListCampaignSends,
            campaign_api.ListCampaignSendsRequest(id=campaign_id, page_size=1),
        )
        return str(page.sends[0].id)

    def send(self, send_id: str) -> send_pb2.Send:
        """How far it has come."""
        answer: send_pb2.Send = self.call(self.sends.GetSend, send_api.GetSendRequest(id=send_id))
        return answer

    def wait_until_made(self, send_id: str, last: str, patience: float = 300.0) -> None:
        """Returns when there is a message to the last address that the send was given: of many
        recipients, they are made in order after the call. Raises TimeoutError."""
        end = time.monotonic() + patience
        wanted = message_api.ListMessagesRequest(send_id=send_id, recipient=last)
        while time.monotonic() < end:
            if self.call(self.messages.ListMessages, wanted).data:
                return
            time.sleep(POLL_INTERVAL)
        raise TimeoutError(send_id)

    def wait_until_ended(self, send_id: str, patience: float = 300.0) -> send_pb2.Send:
        """Returns when nothing of the send is pending or in flight. Raises TimeoutError."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            send = self.send(send_id)
            if send.HasField("completed_at"):
                return send
            time.sleep(POLL_INTERVAL)
        raise TimeoutError(send_id)

    def schedule(self, channel: str, at: datetime) -> str:
        """Schedules a message to p0; its id."""
        document = {
            "channel": channel,
            "template_key": TEMPLATE,
            "recipient": "ann@example.com" if channel == "email" else "p0",
            "brand_id": BRAND,
            "person_id": "p0",
            "dedup_key": uuid4().hex,
            "scheduled_at": at.isoformat(),
        }
        return str(
            self.call(
                self.messages.ScheduleMessage,
                json_format.ParseDict(document, message_api.ScheduleMessageRequest()),
            ).id
        )

    def wait_until_sent(self, message_id: str, patience: float = 60.0) -> None:
        """Returns when the message is sent. Raises TimeoutError."""
        end = time.monotonic() + patience
        while not self.call(
            self.messages.GetScheduledMessage, message_api.GetScheduledMessageRequest(id=message_id)
        ).HasField("sent_at"):
            if time.monotonic() > end:
                raise TimeoutError(message_id)
            time.sleep(POLL_INTERVAL)

    def call(self, method: Any, request: Any) -> Any:
        """The answer."""
        return method(request, metadata=self._metadata, timeout=300)


@contextmanager
def service(target: Target) -> Iterator[Service]:
    """Calls to a service that runs."""
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(target.grpc, options=options) as channel:
        yield Service(target, channel)
