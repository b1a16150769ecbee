"""carillon.comms.v1.SuppressionService."""

from __future__ import annotations

from carillon.comms.v1 import suppression_service_pb2, suppression_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import audience
from server.api.converters.values import read_channel, read_choice
from server.api.interceptors.call import Context
from server.commands.suppressions.create import (
    NewSuppression,
    create_suppression,
    create_suppressions,
)
from server.commands.suppressions.lift import lift_suppression
from server.commands.suppressions.queries import find_suppression, list_suppressions
from storage.model.channels import Channel
from storage.model.suppressions import SuppressionReason

pb = suppression_service_pb2


class SuppressionService(suppression_service_pb2_grpc.SuppressionServiceServicer):
    """Addresses that must not be contacted."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def CreateSuppression(
        self, request: pb.CreateSuppressionRequest, context: Context
    ) -> pb.Suppression:
        field = "email" if request.email else "address"
        new = NewSuppression(
            channel=Channel.EMAIL if request.email else read_channel(request.channel),
            address=request.email or request.address,
            reason=_read_reason(request),
            source=request.source,
        )
        return await self._commands.change(
            request,
            lambda tx, caller: create_suppression(tx, caller, request.brand_id, new, field),
            audience.suppression,
            pb.Suppression,
        )

    async def BatchCreateSuppressions(
        self, request: pb.BatchCreateSuppressionsRequest, context: Context
    ) -> pb.BatchCreateSuppressionsResponse:
        batch = list(map(_read, request.suppressions))
        return await self._commands.change(
            request,
            lambda tx, caller: create_suppressions(tx, caller, request.brand_id, batch),
            lambda count: pb.BatchCreateSuppressionsResponse(suppressions_count=count),
            pb.BatchCreateSuppressionsResponse,
        )

    async def GetSuppression(
        self, request: pb.GetSuppressionRequest, context: Context
    ) -> pb.GetSuppressionResponse:
        channel = read_channel(request.channel) if request.channel else Channel.EMAIL
        found = await self._commands.query(
            lambda tx, caller: find_suppression(
                tx, caller, request.brand_id, channel, request.email
            )
        )
        return pb.GetSuppressionResponse(
            suppressed=found is not None,
            suppression=audience.suppression(found) if found is not None else None,
        )

    async def ListSuppressions(
        self, request: pb.ListSuppressionsRequest, context: Context
    ) -> pb.ListSuppressionsResponse:
        channel = read_channel(request.channel) if request.channel else None
        reason = _read_reason(request) if request.reason else None
        page = await self._commands.query(
            lambda tx, caller: list_suppressions(
                tx,
                caller,
                request.brand_id,
                channel,
                reason,
                request.page_size,
                request.page_token,
                include_lifted=request.include_lifted,
            )
        )
        return pb.ListSuppressionsResponse(
            data=map(audience.suppression, page.items), next_page_token=page.next_page_token
        )

    async def LiftSuppression(
        self, request: pb.LiftSuppressionRequest, context: Context
    ) -> pb.Suppression:
        return await self._commands.change(
            request,
            lambda tx, caller: lift_suppression(tx, caller, request.id),
            audience.suppression,
            pb.Suppression,
        )


def _read(item: pb.SuppressionToCreate) -> NewSuppression:
    return NewSuppression(
        channel=read_channel(item.channel),
        address=item.address,
        reason=_read_reason(item),
        source=item.source,
    )


def _read_reason(
    request: pb.CreateSuppressionRequest | pb.SuppressionToCreate | pb.ListSuppressionsRequest,
) -> SuppressionReason:
    return SuppressionReason(read_choice(request, "reason"))
