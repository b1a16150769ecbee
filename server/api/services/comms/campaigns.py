"""carillon.comms.v1.CampaignService."""

from __future__ import annotations

from carillon.comms.v1 import campaign_service_pb2, campaign_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import comms, ops
from server.api.converters.values import read_channel, read_struct, read_timestamp
from server.api.interceptors.call import Context
from server.api.services.campaigns import CampaignMethods
from server.commands.campaigns.create import NewCampaign
from server.commands.campaigns.update import CampaignChanges
from server.commands.sends.queries import get_send
from server.domain.faces import Face
from storage.contract.storage import Storage
from storage.model.channels import Channel

pb = campaign_service_pb2

RECEIPT_KEY = "cancel-receipt-bin"
"""Metadata key of a cancellation's receipt: the documented answer has no room for it."""


class CampaignService(campaign_service_pb2_grpc.CampaignServiceServicer):
    """Campaigns as the admin console manages them."""

    def __init__(self, commands: CommandRunner, storage: Storage) -> None:
        self._commands = commands
        self._campaigns = CampaignMethods(Face.COMMS, commands, storage)

    async def CreateCampaign(
        self, request: pb.CreateCampaignRequest, context: Context
    ) -> pb.CreateCampaignResponse:
        return await self._campaigns.create(
            request,
            _new(request),
            lambda campaign: pb.CreateCampaignResponse(campaign=comms.campaign(campaign)),
            pb.CreateCampaignResponse,
        )

    async def GetCampaign(
        self, request: pb.GetCampaignRequest, context: Context
    ) -> pb.GetCampaignResponse:
        return pb.GetCampaignResponse(
            campaign=comms.campaign(await self._campaigns.get(request.id))
        )

    async def ListCampaigns(
        self, request: pb.ListCampaignsRequest, context: Context
    ) -> pb.ListCampaignsResponse:
        page = await self._campaigns.list_page(request)
        return pb.ListCampaignsResponse(
            campaigns=map(comms.campaign, page.items), next_page_token=page.next_page_token
        )

    async def UpdateCampaign(
        self, request: pb.UpdateCampaignRequest, context: Context
    ) -> pb.UpdateCampaignResponse:
        return await self._campaigns.update(
            request,
            _changes(request),
            lambda campaign: pb.UpdateCampaignResponse(campaign=comms.campaign(campaign)),
            pb.UpdateCampaignResponse,
        )

    async def DeleteCampaign(
        self, request: pb.DeleteCampaignRequest, context: Context
    ) -> pb.DeleteCampaignResponse:
        return await self._campaigns.delete(request, pb.DeleteCampaignResponse)

    async def SendCampaign(
        self, request: pb.SendCampaignRequest, context: Context
    ) -> pb.SendCampaignResponse:
        return await self._campaigns.send(
            request,
            lambda send: pb.SendCampaignResponse(send=comms.send(send)),
            pb.SendCampaignResponse,
        )

    async def PreviewCampaign(
        self, request: pb.PreviewCampaignRequest, context: Context
    ) -> pb.PreviewCampaignResponse:
        return await self._campaigns.preview(request, pb.PreviewCampaignResponse)

    async def CancelCampaign(
        self, request: pb.CancelCampaignRequest, context: Context
    ) -> pb.CancelCampaignResponse:
        response, receipt = await self._campaigns.cancel(
            request,
            lambda cancelled: pb.CancelCampaignResponse(
                campaign=comms.campaign(cancelled.campaign)
            ),
            pb.CancelCampaignResponse,
        )
        context.set_trailing_metadata(
            ((RECEIPT_KEY, ops.cancel_receipt(receipt).SerializeToString()),)
        )
        return response

    async def ListCampaignHistory(
        self, request: pb.ListCampaignHistoryRequest, context: Context
    ) -> pb.ListCampaignHistoryResponse:
        page = await self._campaigns.list_sends(request)
        return pb.ListCampaignHistoryResponse(
            sends=map(comms.send, page.items), next_page_token=page.next_page_token
        )

    async def GetSend(self, request: pb.GetSendRequest, context: Context) -> pb.GetSendResponse:
        send = await self._commands.query(lambda tx, caller: get_send(tx, caller, request.id))
        return pb.GetSendResponse(send=comms.send(send))


def _new(request: pb.CreateCampaignRequest) -> NewCampaign:
    return NewCampaign(
        brand_id=request.brand_id,
        name=request.name,
        subject=request.subject,
        channel=read_channel(request.channel) if request.channel else Channel.EMAIL,
        template_key=request.template_key,
        segment_criteria=read_struct(request.segment_criteria),
        variables=read_struct(request.variables),
        scheduled_at=read_timestamp(request, "scheduled_at"),
        allow_shared_addresses=request.allow_shared_addresses,
    )


def _changes(request: pb.UpdateCampaignRequest) -> CampaignChanges:
    changes = CampaignChanges()
    if request.HasField("name"):
        changes["name"] = request.name
    if request.HasField("subject"):
        changes["subject"] = request.subject
    if request.HasField("channel"):
        changes["channel"] = read_channel(request.channel)
    if request.HasField("template_key"):
        changes["template_key"] = request.template_key
    if request.HasField("segment_criteria"):
        changes["segment_criteria"] = read_struct(request.segment_criteria)
    if request.HasField("variables"):
        changes["variables"] = read_struct(request.variables)
    scheduled_at = read_timestamp(request, "scheduled_at")
    if scheduled_at is not None:
        changes["scheduled_at"] = scheduled_at
    if request.HasField("allow_shared_addresses"):
        changes["allow_shared_addresses"] = request.allow_shared_addresses
    return changes
