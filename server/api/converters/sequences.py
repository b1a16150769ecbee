"""Converts sequences and enrollments."""

from __future__ import annotations

from carillon.comms.v1 import sequence_pb2
from server.api.converters.values import channel, timestamp
from storage.model.programs import Enrollment, EnrollmentStatus, Sequence, Step


def sequence(record: Sequence) -> sequence_pb2.Sequence:
    """A sequence with its steps."""
    return sequence_pb2.Sequence(
        id=record.id,
        brand_id=record.brand_id,
        name=record.name,
        description=record.description,
        status=sequence_pb2.Sequence.Status.active,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
        steps=[_step(record.id, step) for step in record.steps],
    )


def _step(sequence_id: str, step: Step) -> sequence_pb2.SequenceStep:
    return sequence_pb2.SequenceStep(
        id=step.id,
        sequence_id=sequence_id,
        position=step.position,
        channel=channel(step.channel),
        template_key=step.template_key,
        delay_minutes=step.delay_minutes,
    )


def enrollment(record: Enrollment) -> sequence_pb2.Enrollment:
    """An enrollment; when it ended is under the name of how it ended."""
    ended = {record.status: timestamp(record.ended_at)}
    return sequence_pb2.Enrollment(
        id=record.id,
        sequence_id=record.program_id,
        brand_id=record.brand_id,
        person_id=record.person_id,
        recipient=record.recipient,
        current_step=record.current_step,
        status=sequence_pb2.Enrollment.Status.Value(record.status),
        next_step_at=timestamp(record.next_step_at),
        enrolled_at=timestamp(record.enrolled_at),
        completed_at=ended.get(EnrollmentStatus.COMPLETED),
        cancelled_at=ended.get(EnrollmentStatus.CANCELLED),
        stop_reason=record.reason,
        stopped_at=ended.get(EnrollmentStatus.STOPPED),
    )
