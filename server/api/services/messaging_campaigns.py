"""carillon.messaging.v1.CampaignService."""

from __future__ import annotations

from carillon.messaging.v1 import campaign_pb2, campaign_service_pb2, campaign_service_pb2_grpc, send_pb2
from server.api.calls import Calls
from server.api.converters import audience, messaging, ops
from server.api.converters.values import read_channel, read_enum, read_optional, read_struct, read_timestamp, require_timestamp
from server.api.guard import Context
from server.api.progress import Standstill
from server.commands.campaign_queries import get_campaign, list_campaign_sends, list_campaigns
from server.commands.cancel_campaign import cancel_campaign
from server.commands.cancellations import get_campaign_cancellation
from server.commands.create_campaign import NewCampaign, create_campaign
from server.commands.delete_campaign import delete_campaign
from server.commands.preview_audience import preview_campaign
from server.commands.schedule_campaign import schedule_campaign, unschedule_campaign
from server.commands.send_campaign import send_campaign
from server.commands.update_campaign import CampaignChanges, update_campaign
from server.domain.faces import Face
from server.domain.lifecycle import CampaignStatus

pb = campaign_service_pb2


class CampaignService(campaign_service_pb2_grpc.CampaignServiceServicer):
    """Campaigns to segments."""

    def __init__(self, calls: Calls, standstill: Standstill) -> None:
        self._calls = calls
        self._standstill = standstill

    async def CreateCampaign(self, request: pb.CreateCampaignRequest, context: Context) -> campaign_pb2.Campaign:
        new = NewCampaign(
            face=Face.MESSAGING,
            brand_id=request.brand_id,
            name=request.name,
            description=read_optional(request, "description"),
            subject=read_optional(request.content, "subject"),
            channel=read_channel(request.content.channel),
            template_key=request.content.template_key,
            segment_id=request.segment_id,
            variables=read_struct(request.content.variables),
            allow_shared_addresses=request.allow_shared_addresses,
        )
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: create_campaign(tx, caller, new),
            messaging.campaign,
            campaign_pb2.Campaign,
        )

    async def GetCampaign(self, request: pb.GetCampaignRequest, context: Context) -> campaign_pb2.Campaign:
        campaign = await self._calls.query(lambda tx, caller: get_campaign(tx, caller, Face.MESSAGING, request.id))
        return messaging.campaign(campaign)

    async def GetCampaignContent(self, request: pb.GetCampaignContentRequest, context: Context) -> campaign_pb2.CampaignContent:
        campaign = await self._calls.query(lambda tx, caller: get_campaign(tx, caller, Face.MESSAGING, request.id))
        return messaging.content(campaign)

    async def ListCampaigns(self, request: pb.ListCampaignsRequest, context: Context) -> pb.ListCampaignsResponse:
        name = read_enum(campaign_pb2.Campaign.Status.DESCRIPTOR, request.status)
        status = CampaignStatus(name) if name else None
        page = await self._calls.query(
            lambda tx, caller: list_campaigns(tx, caller, Face.MESSAGING, request.brand_id, status, request.page_size, request.page_token)
        )
        return pb.ListCampaignsResponse(campaigns=map(messaging.campaign, page.items), next_page_token=page.next_page_token)

    async def UpdateCampaign(self, request: pb.UpdateCampaignRequest, context: Context) -> campaign_pb2.Campaign:
        changes = _changes(request)
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: update_campaign(tx, caller, Face.MESSAGING, request.id, changes),
            messaging.campaign,
            campaign_pb2.Campaign,
        )

    async def DeleteCampaign(self, request: pb.DeleteCampaignRequest, context: Context) -> pb.DeleteCampaignResponse:
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: delete_campaign(tx, caller, Face.MESSAGING, request.id),
            lambda _: pb.DeleteCampaignResponse(),
            pb.DeleteCampaignResponse,
        )

    async def ScheduleCampaign(self, request: pb.ScheduleCampaignRequest, context: Context) -> campaign_pb2.Campaign:
        scheduled_at = require_timestamp(request, "scheduled_at")
        expire_at = read_timestamp(request, "expire_at")
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: schedule_campaign(tx, caller, Face.MESSAGING, request.id, scheduled_at, expire_at),
            messaging.campaign,
            campaign_pb2.Campaign,
        )

    async def UnscheduleCampaign(self, request: pb.UnscheduleCampaignRequest, context: Context) -> campaign_pb2.Campaign:
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: unschedule_campaign(tx, caller, Face.MESSAGING, request.id),
            messaging.campaign,
            campaign_pb2.Campaign,
        )

    async def PublishCampaign(self, request: pb.PublishCampaignRequest, context: Context) -> send_pb2.Send:
        recipients = [(recipient.person_id, recipient.recipient) for recipient in request.recipients]
        expire_at = read_timestamp(request, "expire_at")
        to_segment = audience.read_to_segment(request.audience)
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: send_campaign(tx, caller, Face.MESSAGING, request.id, recipients, expire_at, to_segment=to_segment),
            messaging.send,
            send_pb2.Send,
        )

    async def PreviewCampaign(self, request: pb.PreviewCampaignRequest, context: Context) -> pb.PreviewCampaignResponse:
        recipients = [(recipient.person_id, recipient.recipient) for recipient in request.recipients]
        campaign, found = await self._calls.query(lambda tx, caller: preview_campaign(tx, caller, Face.MESSAGING, request.id, recipients))
        return pb.PreviewCampaignResponse(preview=audience.preview(found), allow_shared_addresses=campaign.allow_shared_addresses)

    async def ListCampaignSends(self, request: pb.ListCampaignSendsRequest, context: Context) -> pb.ListCampaignSendsResponse:
        page = await self._calls.query(
            lambda tx, caller: list_campaign_sends(tx, caller, Face.MESSAGING, request.id, request.page_size, request.page_token)
        )
        return pb.ListCampaignSendsResponse(sends=map(messaging.send, page.items), next_page_token=page.next_page_token)

    async def CancelCampaign(self, request: pb.CancelCampaignRequest, context: Context) -> pb.CancelCampaignResponse:
        response = await self._calls.change(
            context,
            request,
            lambda tx, caller: cancel_campaign(tx, caller, Face.MESSAGING, request.id),
            lambda cancelled: pb.CancelCampaignResponse(
                campaign=messaging.campaign(cancelled.campaign), receipt=ops.cancel_receipt(cancelled.receipt)
            ),
            pb.CancelCampaignResponse,
        )
        cancellation = await self._calls.query(lambda tx, caller: get_campaign_cancellation(tx, caller, Face.MESSAGING, request.id))
        await self._standstill.wait(cancellation.send_ids)
        return response


def _changes(request: pb.UpdateCampaignRequest) -> CampaignChanges:
    changes = CampaignChanges()
    if request.HasField("name"):
        changes["name"] = request.name
    if request.HasField("description"):
        changes["description"] = request.description or None
    if request.HasField("segment_id"):
        changes["segment_id"] = request.segment_id
    if request.HasField("content"):
        changes["channel"] = read_channel(request.content.channel)
        changes["template_key"] = request.content.template_key
        changes["subject"] = read_optional(request.content, "subject")
        changes["variables"] = read_struct(request.content.variables)
    if request.HasField("allow_shared_addresses"):
        changes["allow_shared_addresses"] = request.allow_shared_addresses
    return changes
