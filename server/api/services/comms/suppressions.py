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
from server.commands.suppressions.delete import delete_suppression
from server.commands.suppressions.queries import find_suppression, list_suppressions
from storage.model.suppressions import SuppressionReason

pb = suppression_service_pb2


class SuppressionService(suppression_service_pb2_grpc.SuppressionServiceServicer):
    """Addresses that must not be contacted."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def CreateSuppression(
        self, request: pb.CreateSuppressionRequest, context: Context
    ) -> pb.Suppression:
        new = _read(request)
        return await self._commands.change(
            request,
            lambda tx, caller: create_suppression(tx, caller, request.brand_id, new),
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

    async def FindSuppression(
        self, request: pb.FindSuppressionRequest, context: Context
    ) -> pb.Suppression:
        channel = read_channel(request.channel)
        found = await self._commands.query(
            lambda tx, caller: find_suppression(
                tx, caller, request.brand_id, channel, request.address
            )
        )
        return audience.suppression(found)

    async def ListSuppressions(
        self, request: pb.ListSuppressionsRequest, context: Context
    ) -> pb.ListSuppressionsResponse:
        channel = read_channel(request.channel) if request.channel else None
        reason = _read_reason(request) if request.reason else None
        page = await self._commands.query(
            lambda tx, caller: list_suppressions(
                tx, caller, request.brand_id, channel, reason, request.page_size, request.page_token
            )
        )
        return pb.ListSuppressionsResponse(
            suppressions=map(audience.suppression, page.items), next_page_token=page.next_page_token
        )

    async def DeleteSuppression(
        self, request: pb.DeleteSuppressionRequest, context: Context
    ) -> pb.DeleteSuppressionResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: delete_suppression(tx, caller, request.id),
            lambda _: pb.DeleteSuppressionResponse(),
            pb.DeleteSuppressionResponse,
        )


def _read(item: pb.CreateSuppressionRequest | pb.SuppressionToCreate) -> NewSuppression:
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
