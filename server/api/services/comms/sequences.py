"""carillon.comms.v1.SequenceService."""

from __future__ import annotations

from carillon.comms.v1 import sequence_pb2, sequence_service_pb2, sequence_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import sequences
from server.api.converters.values import read_channel, read_enum
from server.api.interceptors.call import Context
from server.commands.sequences.cancel import cancel_enrollment_and_wait
from server.commands.sequences.create import NewStep, create_sequence
from server.commands.sequences.enroll import enroll_person
from server.commands.sequences.queries import (
    get_enrollment,
    get_sequence,
    list_enrollments,
    list_sequences,
)
from storage.contract.storage import Storage
from storage.model.programs import EnrollmentFilter, EnrollmentStatus

pb = sequence_service_pb2


class SequenceService(sequence_service_pb2_grpc.SequenceServiceServicer):
    """Sequences, and who goes through them."""

    def __init__(self, commands: CommandRunner, storage: Storage) -> None:
        self._commands = commands
        self._storage = storage

    async def CreateSequence(
        self, request: pb.CreateSequenceRequest, context: Context
    ) -> sequence_pb2.Sequence:
        description = request.description if request.HasField("description") else None
        steps = [
            NewStep(
                position=step.position,
                channel=read_channel(step.channel),
                template_key=step.template_key,
                delay_minutes=step.delay_minutes,
            )
            for step in request.steps
        ]
        return await self._commands.change(
            request,
            lambda tx, caller: create_sequence(
                tx, caller, request.brand_id, request.name, description, steps
            ),
            sequences.sequence,
            sequence_pb2.Sequence,
        )

    async def GetSequence(
        self, request: pb.GetSequenceRequest, context: Context
    ) -> sequence_pb2.Sequence:
        return sequences.sequence(
            await self._commands.query(lambda tx, caller: get_sequence(tx, caller, request.id))
        )

    async def ListSequences(
        self, request: pb.ListSequencesRequest, context: Context
    ) -> pb.ListSequencesResponse:
        page = await self._commands.query(
            lambda tx, caller: list_sequences(
                tx, caller, request.brand_id, request.page_size, request.page_token
            )
        )
        return pb.ListSequencesResponse(
            data=map(sequences.sequence, page.items), next_page_token=page.next_page_token
        )

    async def EnrollPerson(
        self, request: pb.EnrollPersonRequest, context: Context
    ) -> sequence_pb2.Enrollment:
        recipient = request.person_id, request.recipient
        return await self._commands.change(
            request,
            lambda tx, caller: enroll_person(tx, caller, request.id, request.brand_id, recipient),
            sequences.enrollment,
            sequence_pb2.Enrollment,
        )

    async def GetEnrollment(
        self, request: pb.GetEnrollmentRequest, context: Context
    ) -> sequence_pb2.Enrollment:
        return sequences.enrollment(
            await self._commands.query(lambda tx, caller: get_enrollment(tx, caller, request.id))
        )

    async def ListEnrollments(
        self, request: pb.ListEnrollmentsRequest, context: Context
    ) -> pb.ListEnrollmentsResponse:
        status = read_enum(request, "status")
        where = EnrollmentFilter(
            program_id=request.sequence_id or None,
            person_id=request.person_id or None,
            status=EnrollmentStatus(status) if status else None,
        )
        page = await self._commands.query(
            lambda tx, caller: list_enrollments(
                tx, caller, request.brand_id, where, request.page_size, request.page_token
            )
        )
        return pb.ListEnrollmentsResponse(
            data=map(sequences.enrollment, page.items), next_page_token=page.next_page_token
        )

    async def CancelEnrollment(
        self, request: pb.CancelEnrollmentRequest, context: Context
    ) -> sequence_pb2.Enrollment:
        return await cancel_enrollment_and_wait(
            self._storage,
            self._commands.commit(request, sequences.enrollment, sequence_pb2.Enrollment),
            request.id,
        )
