"""carillon.comms.v1.CampaignService."""

from __future__ import annotations

from carillon.comms.v1 import campaign_pb2, campaign_service_pb2, campaign_service_pb2_grpc
from server.api.calls import Calls
from server.api.converters import audience, comms, ops
from server.api.converters.values import read_channel, read_enum, read_struct, read_timestamp
from server.api.guard import Context
from server.api.progress import Standstill
from server.commands.campaign_queries import get_campaign, get_send, list_campaign_sends, list_campaigns
from server.commands.cancel_campaign import cancel_campaign
from server.commands.cancellations import get_campaign_cancellation
from server.commands.create_campaign import NewCampaign, create_campaign
from server.commands.delete_campaign import delete_campaign
from server.commands.preview_audience import preview_campaign
from server.commands.send_campaign import send_campaign
from server.commands.update_campaign import CampaignChanges, update_campaign
from server.domain.faces import Face
from server.domain.lifecycle import CampaignStatus

pb = campaign_service_pb2

RECEIPT_KEY = "cancel-receipt-bin"
"""Metadata key of a cancellation's receipt: the documented answer has no room for it."""


class CampaignService(campaign_service_pb2_grpc.CampaignServiceServicer):
    """Campaigns as the admin console manages them."""

    def __init__(self, calls: Calls, standstill: Standstill) -> None:
        self._calls = calls
        self._standstill = standstill

    async def CreateCampaign(self, request: pb.CreateCampaignRequest, context: Context) -> pb.CreateCampaignResponse:
        new = NewCampaign(
            face=Face.COMMS,
            brand_id=request.brand_id,
            name=request.name,
            subject=request.subject,
            channel=read_channel(request.channel),
            template_key=request.template_key,
            segment_criteria=read_struct(request.segment_criteria),
            variables=read_struct(request.variables),
            scheduled_at=read_timestamp(request, "scheduled_at"),
            allow_shared_addresses=request.allow_shared_addresses,
        )
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: create_campaign(tx, caller, new),
            lambda campaign: pb.CreateCampaignResponse(campaign=comms.campaign(campaign)),
            pb.CreateCampaignResponse,
        )

    async def GetCampaign(self, request: pb.GetCampaignRequest, context: Context) -> pb.GetCampaignResponse:
        campaign = await self._calls.query(lambda tx, caller: get_campaign(tx, caller, Face.COMMS, request.id))
        return pb.GetCampaignResponse(campaign=comms.campaign(campaign))

    async def ListCampaigns(self, request: pb.ListCampaignsRequest, context: Context) -> pb.ListCampaignsResponse:
        name = read_enum(campaign_pb2.Campaign.Status.DESCRIPTOR, request.status)
        status = CampaignStatus(name) if name else None
        page = await self._calls.query(
            lambda tx, caller: list_campaigns(tx, caller, Face.COMMS, request.brand_id, status, request.page_size, request.page_token)
        )
        return pb.ListCampaignsResponse(campaigns=map(comms.campaign, page.items), next_page_token=page.next_page_token)

    async def UpdateCampaign(self, request: pb.UpdateCampaignRequest, context: Context) -> pb.UpdateCampaignResponse:
        changes = _changes(request)
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: update_campaign(tx, caller, Face.COMMS, request.id, changes),
            lambda campaign: pb.UpdateCampaignResponse(campaign=comms.campaign(campaign)),
            pb.UpdateCampaignResponse,
        )

    async def DeleteCampaign(self, request: pb.DeleteCampaignRequest, context: Context) -> pb.DeleteCampaignResponse:
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: delete_campaign(tx, caller, Face.COMMS, request.id),
            lambda _: pb.DeleteCampaignResponse(),
            pb.DeleteCampaignResponse,
        )

    async def SendCampaign(self, request: pb.SendCampaignRequest, context: Context) -> pb.SendCampaignResponse:
        recipients = [(recipient.person_id, recipient.recipient) for recipient in request.recipients]
        expire_at = read_timestamp(request, "expire_at")
        to_segment = audience.read_to_segment(request.audience)
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: send_campaign(tx, caller, Face.COMMS, request.id, recipients, expire_at, to_segment=to_segment),
            lambda send: pb.SendCampaignResponse(send=comms.send(send)),
            pb.SendCampaignResponse,
        )

    async def PreviewCampaign(self, request: pb.PreviewCampaignRequest, context: Context) -> pb.PreviewCampaignResponse:
        recipients = [(recipient.person_id, recipient.recipient) for recipient in request.recipients]
        campaign, found = await self._calls.query(lambda tx, caller: preview_campaign(tx, caller, Face.COMMS, request.id, recipients))
        return pb.PreviewCampaignResponse(preview=audience.preview(found), allow_shared_addresses=campaign.allow_shared_addresses)

    async def CancelCampaign(self, request: pb.CancelCampaignRequest, context: Context) -> pb.CancelCampaignResponse:
        response = await self._calls.change(
            context,
            request,
            lambda tx, caller: cancel_campaign(tx, caller, Face.COMMS, request.id),
            lambda cancelled: pb.CancelCampaignResponse(campaign=comms.campaign(cancelled.campaign)),
            pb.CancelCampaignResponse,
        )
        cancellation = await self._calls.query(lambda tx, caller: get_campaign_cancellation(tx, caller, Face.COMMS, request.id))
        await self._standstill.wait(cancellation.send_ids)
        context.set_trailing_metadata(((RECEIPT_KEY, ops.cancel_receipt(cancellation.receipt).SerializeToString()),))
        return response

    async def ListCampaignSends(self, request: pb.ListCampaignSendsRequest, context: Context) -> pb.ListCampaignSendsResponse:
        page = await self._calls.query(
            lambda tx, caller: list_campaign_sends(tx, caller, Face.COMMS, request.id, request.page_size, request.page_token)
        )
        return pb.ListCampaignSendsResponse(sends=map(comms.send, page.items), next_page_token=page.next_page_token)

    async def GetSend(self, request: pb.GetSendRequest, context: Context) -> pb.GetSendResponse:
        send = await self._calls.query(lambda tx, caller: get_send(tx, caller, request.id))
        return pb.GetSendResponse(send=comms.send(send))


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
