"""carillon.messaging.v1.SegmentService."""

from __future__ import annotations

from carillon.messaging.v1 import segment_service_pb2 as pb
from carillon.messaging.v1 import segment_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import segments
from server.api.converters.values import channel_name, read_struct
from server.api.interceptors.call import Context
from server.commands.segments.archive import archive_segment
from server.commands.segments.create import create_segment
from server.commands.segments.preview import preview_predicate, preview_segment
from server.commands.segments.queries import get_segment, list_segments


class SegmentService(segment_service_pb2_grpc.SegmentServiceServicer):
    """Named sets of people."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def CreateSegment(self, request: pb.CreateSegmentRequest, context: Context) -> pb.Segment:
        new = segments.read_new(request)
        return await self._commands.change(
            request,
            lambda tx, caller: create_segment(tx, caller, new),
            segments.segment,
            pb.Segment,
        )

    async def GetSegment(self, request: pb.GetSegmentRequest, context: Context) -> pb.Segment:
        return segments.segment(
            await self._commands.query(lambda tx, caller: get_segment(tx, caller, request.id))
        )

    async def ListSegments(
        self, request: pb.ListSegmentsRequest, context: Context
    ) -> pb.ListSegmentsResponse:
        status = segments.read_status(request)
        page = await self._commands.query(
            lambda tx, caller: list_segments(
                tx, caller, request.brand_id, status, request.page_size, request.page_token
            )
        )
        return pb.ListSegmentsResponse(
            items=map(segments.segment, page.items), next_page_token=page.next_page_token
        )

    async def ArchiveSegment(
        self, request: pb.ArchiveSegmentRequest, context: Context
    ) -> pb.Segment:
        return await self._commands.change(
            request,
            lambda tx, caller: archive_segment(tx, caller, request.id),
            segments.segment,
            pb.Segment,
        )

    async def PreviewSegment(
        self, request: pb.PreviewSegmentRequest, context: Context
    ) -> pb.PreviewSegmentResponse:
        channel = channel_name(request.channel)
        segment = await self._commands.query(lambda tx, caller: get_segment(tx, caller, request.id))
        found = await self._commands.preview(
            segment.brand_id, lambda tx, caller: preview_segment(tx, caller, request.id, channel)
        )
        return segments.segment_preview(request.id, found)

    async def PreviewPredicate(
        self, request: pb.PreviewPredicateRequest, context: Context
    ) -> pb.PreviewPredicateResponse:
        predicate, channel = read_struct(request.predicate), channel_name(request.channel)
        found = await self._commands.preview(
            request.brand_id,
            lambda tx, caller: preview_predicate(tx, caller, request.brand_id, predicate, channel),
        )
        return segments.predicate_preview(found)
