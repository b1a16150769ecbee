"""Converts segments and their previews."""

from __future__ import annotations

from carillon.messaging.v1 import segment_service_pb2 as pb
from carillon.type.v1 import audience_preview_pb2
from server.api.converters import audience
from server.api.converters.values import read_enum, read_optional, read_struct, struct, timestamp
from server.commands.segments.create import NewSegment
from server.commands.segments.preview import PredicatePreview
from storage.model.segments import Segment, SegmentStatus


def segment(record: Segment) -> pb.Segment:
    """A named audience."""
    return pb.Segment(
        id=record.id,
        brand_id=record.brand_id,
        name=record.name,
        description=record.description,
        predicate=struct(record.predicate),
        status=pb.Segment.Status.Value(record.status),
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def read_new(request: pb.CreateSegmentRequest) -> NewSegment:
    """A segment to create."""
    return NewSegment(
        brand_id=request.brand_id,
        name=request.name,
        description=read_optional(request, "description"),
        predicate=read_struct(request.predicate),
    )


def read_status(request: pb.ListSegmentsRequest) -> SegmentStatus | None:
    """The status to list; None: whatever it is."""
    name = read_enum(request, "status")
    return SegmentStatus(name) if name else None


def segment_preview(segment_id: str, found: PredicatePreview) -> pb.PreviewSegmentResponse:
    """Who is in a segment."""
    return pb.PreviewSegmentResponse(
        segment_id=segment_id,
        count=found.count,
        sample_ids=found.sample_ids,
        explain=found.explain,
        audience=_audience(found),
        rounded=found.rounded,
    )


def predicate_preview(found: PredicatePreview) -> pb.PreviewPredicateResponse:
    """Whom a predicate matches."""
    return pb.PreviewPredicateResponse(
        count=found.count,
        sample_ids=found.sample_ids,
        explain=found.explain,
        audience=_audience(found),
    )


def _audience(found: PredicatePreview) -> audience_preview_pb2.AudiencePreview | None:
    return None if found.audience is None else audience.preview(found.audience)
