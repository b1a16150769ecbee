"""carillon.messaging.v1.PersonService and SegmentService."""

from __future__ import annotations

import asyncio

from carillon.messaging.v1 import (
    person_service_pb2,
    person_service_pb2_grpc,
    segment_service_pb2,
    segment_service_pb2_grpc,
)
from server.api.command_runner import CommandRunner
from server.api.converters import audience, consents, messaging
from server.api.converters.values import read_channel, read_struct
from server.api.interceptors.call import Context
from server.commands.gate.explain import explain
from server.commands.people.delete import delete_person
from server.commands.people.put import prepare_people, put_people, put_person
from server.commands.people.queries import get_person
from server.commands.segments.create import create_segment
from server.commands.segments.queries import get_segment, list_segments
from server.commands.sends.preview_audience import preview_segment


class PersonService(person_service_pb2_grpc.PersonServiceServicer):
    """People who can be reached."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def PutPerson(
        self, request: person_service_pb2.PutPersonRequest, context: Context
    ) -> person_service_pb2.Person:
        person = messaging.read_person(request)
        return await self._commands.change(
            request,
            lambda tx, caller: put_person(tx, caller, request.brand_id, person),
            messaging.person,
            person_service_pb2.Person,
        )

    async def BatchPutPeople(
        self, request: person_service_pb2.BatchPutPeopleRequest, context: Context
    ) -> person_service_pb2.BatchPutPeopleResponse:
        # Thousands of people take long enough for other calls to notice; a thread lets them in
        # between.
        prepared = await asyncio.to_thread(
            lambda: prepare_people(request.brand_id, [*map(messaging.read_person, request.people)])
        )
        return await self._commands.change(
            request,
            lambda tx, caller: put_people(tx, caller, prepared),
            lambda count: person_service_pb2.BatchPutPeopleResponse(people_count=count),
            person_service_pb2.BatchPutPeopleResponse,
        )

    async def GetPerson(
        self, request: person_service_pb2.GetPersonRequest, context: Context
    ) -> person_service_pb2.Person:
        person = await self._commands.query(
            lambda tx, caller: get_person(tx, caller, request.brand_id, request.person_id)
        )
        return messaging.person(person)

    async def DeletePerson(
        self, request: person_service_pb2.DeletePersonRequest, context: Context
    ) -> person_service_pb2.DeletePersonResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: delete_person(tx, caller, request.brand_id, request.person_id),
            lambda _: person_service_pb2.DeletePersonResponse(),
            person_service_pb2.DeletePersonResponse,
        )

    async def ExplainContact(
        self, request: person_service_pb2.ExplainContactRequest, context: Context
    ) -> person_service_pb2.ExplainContactResponse:
        asked, recipient = consents.read_key(request), request.recipient or None
        return consents.explanation(
            await self._commands.query(lambda tx, caller: explain(tx, caller, asked, recipient))
        )


class SegmentService(segment_service_pb2_grpc.SegmentServiceServicer):
    """Named sets of people."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def CreateSegment(
        self, request: segment_service_pb2.CreateSegmentRequest, context: Context
    ) -> segment_service_pb2.Segment:
        criteria = read_struct(request.criteria)
        return await self._commands.change(
            request,
            lambda tx, caller: create_segment(tx, caller, request.brand_id, request.name, criteria),
            messaging.segment,
            segment_service_pb2.Segment,
        )

    async def GetSegment(
        self, request: segment_service_pb2.GetSegmentRequest, context: Context
    ) -> segment_service_pb2.Segment:
        return messaging.segment(
            await self._commands.query(lambda tx, caller: get_segment(tx, caller, request.id))
        )

    async def PreviewSegment(
        self, request: segment_service_pb2.PreviewSegmentRequest, context: Context
    ) -> segment_service_pb2.PreviewSegmentResponse:
        criteria = read_struct(request.criteria) if request.HasField("criteria") else None
        channel = read_channel(request.channel)
        found = await self._commands.query(
            lambda tx, caller: preview_segment(
                tx, caller, request.brand_id, criteria, request.segment_id, channel
            )
        )
        return segment_service_pb2.PreviewSegmentResponse(preview=audience.preview(found))

    async def ListSegments(
        self, request: segment_service_pb2.ListSegmentsRequest, context: Context
    ) -> segment_service_pb2.ListSegmentsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_segments(
                tx, caller, request.brand_id, request.page_size, request.page_token
            )
        )
        return segment_service_pb2.ListSegmentsResponse(
            segments=map(messaging.segment, page.items), next_page_token=page.next_page_token
        )
