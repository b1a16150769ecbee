"""carillon.messaging.v1.CampaignService."""

from __future__ import annotations

from carillon.messaging.v1 import (
    campaign_pb2,
    campaign_service_pb2,
    campaign_service_pb2_grpc,
    send_pb2,
)
from server.api.command_runner import CommandRunner
from server.api.converters import messaging
from server.api.converters.values import (
    read_optional,
    read_struct,
    read_timestamp,
    require_timestamp,
)
from server.api.deadline import seconds_to_wait
from server.api.interceptors.call import Context
from server.api.services.campaigns import CampaignMethods
from server.commands.campaigns.create import NewCampaign
from server.commands.campaigns.duplicate import duplicate_campaign
from server.commands.campaigns.schedule import schedule_campaign, unschedule_campaign
from server.commands.campaigns.steps import (
    NewStep,
    StepChanges,
    add_step,
    change_step,
    get_step,
    list_steps,
    remove_step,
)
from server.commands.campaigns.test import accept_test
from server.commands.campaigns.update import CampaignChanges
from server.commands.messages.send import wait_for_outcome
from server.domain.faces import Face
from storage.contract.storage import Storage

pb = campaign_service_pb2


class CampaignService(campaign_service_pb2_grpc.CampaignServiceServicer):
    """Campaigns to segments."""

    def __init__(self, commands: CommandRunner, storage: Storage, send_wait_seconds: float) -> None:
        self._commands = commands
        self._storage = storage
        self._send_wait_seconds = send_wait_seconds
        self._campaigns = CampaignMethods(Face.MESSAGING, commands, storage)

    async def CreateCampaign(
        self, request: pb.CreateCampaignRequest, context: Context
    ) -> campaign_pb2.Campaign:
        return await self._campaigns.create(
            request, _new(request), messaging.campaign, campaign_pb2.Campaign
        )

    async def DuplicateCampaign(
        self, request: pb.DuplicateCampaignRequest, context: Context
    ) -> campaign_pb2.Campaign:
        name = read_optional(request, "name")
        return await self._commands.change(
            request,
            lambda tx, caller: duplicate_campaign(tx, caller, Face.MESSAGING, request.id, name),
            messaging.campaign,
            campaign_pb2.Campaign,
        )

    async def TestCampaign(
        self, request: pb.TestCampaignRequest, context: Context
    ) -> pb.TestCampaignResponse:
        now = self._commands.caller().now
        accepted = await self._commands.change(
            request,
            lambda tx, caller: accept_test(
                tx,
                caller,
                Face.MESSAGING,
                request.id,
                request.person_id,
                request.recipient,
                request.step_id,
            ),
            lambda message: messaging.campaign_test(message, None),
            pb.TestCampaignResponse,
        )
        seconds = seconds_to_wait(context, self._send_wait_seconds)
        seen = await wait_for_outcome(self._storage, accepted.message_id, now, seconds)
        return accepted if seen is None else messaging.campaign_test(*seen)

    async def GetCampaign(
        self, request: pb.GetCampaignRequest, context: Context
    ) -> campaign_pb2.Campaign:
        return messaging.campaign(await self._campaigns.get(request.id))

    async def ListCampaigns(
        self, request: pb.ListCampaignsRequest, context: Context
    ) -> pb.ListCampaignsResponse:
        page = await self._campaigns.list_page(request)
        return pb.ListCampaignsResponse(
            items=map(messaging.campaign, page.items), next_page_token=page.next_page_token
        )

    async def UpdateCampaign(
        self, request: pb.UpdateCampaignRequest, context: Context
    ) -> campaign_pb2.Campaign:
        return await self._campaigns.update(
            request, _changes(request), messaging.campaign, campaign_pb2.Campaign
        )

    async def CreateCampaignStep(
        self, request: pb.CreateCampaignStepRequest, context: Context
    ) -> campaign_pb2.CampaignStep:
        new = NewStep(
            position=request.position,
            template_id=request.template_id,
            template_version_id=request.template_version_id,
            delay_minutes=request.delay_minutes,
            variables=read_struct(request.variables),
        )
        return await self._commands.change(
            request,
            lambda tx, caller: add_step(tx, caller, request.id, new),
            lambda step: messaging.campaign_step(request.id, step),
            campaign_pb2.CampaignStep,
        )

    async def GetCampaignStep(
        self, request: pb.GetCampaignStepRequest, context: Context
    ) -> campaign_pb2.CampaignStep:
        step = await self._commands.query(
            lambda tx, caller: get_step(tx, caller, request.id, request.step_id)
        )
        return messaging.campaign_step(request.id, step)

    async def ListCampaignSteps(
        self, request: pb.ListCampaignStepsRequest, context: Context
    ) -> pb.ListCampaignStepsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_steps(
                tx, caller, request.id, request.page_size, request.page_token
            )
        )
        return pb.ListCampaignStepsResponse(
            items=[messaging.campaign_step(request.id, step) for step in page.items],
            next_page_token=page.next_page_token,
        )

    async def UpdateCampaignStep(
        self, request: pb.UpdateCampaignStepRequest, context: Context
    ) -> campaign_pb2.CampaignStep:
        changes = _step_changes(request)
        return await self._commands.change(
            request,
            lambda tx, caller: change_step(tx, caller, request.id, request.step_id, changes),
            lambda step: messaging.campaign_step(request.id, step),
            campaign_pb2.CampaignStep,
        )

    async def DeleteCampaignStep(
        self, request: pb.DeleteCampaignStepRequest, context: Context
    ) -> pb.DeleteCampaignStepResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: remove_step(tx, caller, request.id, request.step_id),
            lambda _: pb.DeleteCampaignStepResponse(),
            pb.DeleteCampaignStepResponse,
        )

    async def DeleteCampaign(
        self, request: pb.DeleteCampaignRequest, context: Context
    ) -> pb.DeleteCampaignResponse:
        return await self._campaigns.delete(request, pb.DeleteCampaignResponse)

    async def ScheduleCampaign(
        self, request: pb.ScheduleCampaignRequest, context: Context
    ) -> campaign_pb2.Campaign:
        scheduled_at = require_timestamp(request, "scheduled_at")
        expire_at = read_timestamp(request, "expire_at")
        return await self._commands.change(
            request,
            lambda tx, caller: schedule_campaign(
                tx, caller, Face.MESSAGING, request.id, scheduled_at, expire_at
            ),
            messaging.campaign,
            campaign_pb2.Campaign,
        )

    async def UnscheduleCampaign(
        self, request: pb.UnscheduleCampaignRequest, context: Context
    ) -> campaign_pb2.Campaign:
        return await self._commands.change(
            request,
            lambda tx, caller: unschedule_campaign(tx, caller, Face.MESSAGING, request.id),
            messaging.campaign,
            campaign_pb2.Campaign,
        )

    async def PublishCampaign(
        self, request: pb.PublishCampaignRequest, context: Context
    ) -> send_pb2.Send:
        return await self._campaigns.send(request, messaging.send, send_pb2.Send)

    async def PreviewCampaign(
        self, request: pb.PreviewCampaignRequest, context: Context
    ) -> pb.PreviewCampaignResponse:
        return await self._campaigns.preview(request, pb.PreviewCampaignResponse)

    async def ListCampaignSends(
        self, request: pb.ListCampaignSendsRequest, context: Context
    ) -> pb.ListCampaignSendsResponse:
        page = await self._campaigns.list_sends(request)
        return pb.ListCampaignSendsResponse(
            sends=map(messaging.send, page.items), next_page_token=page.next_page_token
        )

    async def CancelCampaign(
        self, request: pb.CancelCampaignRequest, context: Context
    ) -> pb.CancelCampaignResponse:
        response, _ = await self._campaigns.cancel(
            request, messaging.cancelled_campaign, pb.CancelCampaignResponse
        )
        return response


def _new(request: pb.CreateCampaignRequest) -> NewCampaign:
    return NewCampaign(
        brand_id=request.brand_id,
        name=request.name,
        description=read_optional(request, "description"),
        segment_id=request.segment_id,
        allow_shared_addresses=request.allow_shared_addresses,
    )


def _changes(request: pb.UpdateCampaignRequest) -> CampaignChanges:
    changes = CampaignChanges()
    if request.HasField("name"):
        changes["name"] = request.name
    if request.HasField("description"):
        changes["description"] = read_optional(request, "description")
    if request.HasField("segment_id"):
        changes["segment_id"] = request.segment_id
    if request.HasField("allow_shared_addresses"):
        changes["allow_shared_addresses"] = request.allow_shared_addresses
    return changes


def _step_changes(request: pb.UpdateCampaignStepRequest) -> StepChanges:
    changes = StepChanges()
    if request.HasField("position"):
        changes["position"] = request.position
    if request.HasField("template_id"):
        changes["template_id"] = request.template_id
    if request.HasField("template_version_id"):
        changes["template_version_id"] = request.template_version_id
    if request.HasField("delay_minutes"):
        changes["delay_minutes"] = request.delay_minutes
    if request.HasField("variables"):
        changes["variables"] = read_struct(request.variables)
    return changes
