"""The methods that both campaign services have. Their documented APIs wrap the answers differently
and name other fields; all else is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message as ProtoMessage

from carillon.comms.v1 import campaign_service_pb2 as comms
from carillon.messaging.v1 import campaign_service_pb2 as messaging
from server.api.command_runner import CommandRunner
from server.api.converters import audience
from server.api.converters.values import read_enum, read_timestamp
from server.api.threads import check_on_thread
from server.commands.campaigns.cancel import CancelledCampaign, cancel_campaign_and_wait
from server.commands.campaigns.create import NewCampaign, create_campaign
from server.commands.campaigns.delete import delete_campaign
from server.commands.campaigns.queries import get_campaign, list_campaign_sends, list_campaigns
from server.commands.campaigns.update import CampaignChanges, update_campaign
from server.commands.sends.classify_recipients import (
    Classify,
    classified_before,
    how_to_classify,
)
from server.commands.sends.preview_audience import preview_campaign
from server.commands.sends.resolve_audience import BATCH
from server.commands.sends.start import send_campaign
from server.domain.contacts.addresses import Recipient
from server.domain.contacts.recipients import classify_recipients
from server.domain.faces import Face
from server.domain.paging import Page
from storage.contract.storage import Storage
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.sends import CancelReceipt, Send

CreateRequest = comms.CreateCampaignRequest | messaging.CreateCampaignRequest
ListRequest = comms.ListCampaignsRequest | messaging.ListCampaignsRequest
UpdateRequest = comms.UpdateCampaignRequest | messaging.UpdateCampaignRequest
DeleteRequest = comms.DeleteCampaignRequest | messaging.DeleteCampaignRequest
SendRequest = comms.SendCampaignRequest | messaging.PublishCampaignRequest
PreviewRequest = comms.PreviewCampaignRequest | messaging.PreviewCampaignRequest
CancelRequest = comms.CancelCampaignRequest | messaging.CancelCampaignRequest
ListSendsRequest = comms.ListCampaignHistoryRequest | messaging.ListCampaignSendsRequest

Response = TypeVar("Response", bound=ProtoMessage)
PreviewResponse = TypeVar(
    "PreviewResponse", comms.PreviewCampaignResponse, messaging.PreviewCampaignResponse
)


class CampaignMethods:
    """What can be done to the campaigns of one face. Each method that changes one takes how its
    answer is made of the result, and of which type it is."""

    def __init__(self, face: Face, commands: CommandRunner, storage: Storage) -> None:
        self._face = face
        self._commands = commands
        self._storage = storage

    async def create(
        self,
        request: CreateRequest,
        new: NewCampaign,
        respond: Callable[[Campaign], Response],
        response_type: type[Response],
    ) -> Response:
        """Creates a campaign."""
        return await self._commands.change(
            request,
            lambda tx, caller: create_campaign(tx, caller, self._face, new),
            respond,
            response_type,
        )

    async def get(self, campaign_id: str) -> Campaign:
        """The campaign."""
        return await self._commands.query(
            lambda tx, caller: get_campaign(tx, caller, self._face, campaign_id)
        )

    async def list_page(self, request: ListRequest) -> Page[Campaign]:
        """A page of a brand's campaigns, of one status if it is given."""
        name = read_enum(request, "status")
        status = CampaignStatus(name) if name else None
        return await self._commands.query(
            lambda tx, caller: list_campaigns(
                tx,
                caller,
                self._face,
                request.brand_id,
                status,
                request.page_size,
                request.page_token,
            )
        )

    async def update(
        self,
        request: UpdateRequest,
        changes: CampaignChanges,
        respond: Callable[[Campaign], Response],
        response_type: type[Response],
    ) -> Response:
        """Changes a campaign that has not started."""
        return await self._commands.change(
            request,
            lambda tx, caller: update_campaign(tx, caller, self._face, request.id, changes),
            respond,
            response_type,
        )

    async def delete(self, request: DeleteRequest, response_type: type[Response]) -> Response:
        """Deletes a draft."""
        return await self._commands.change(
            request,
            lambda tx, caller: delete_campaign(tx, caller, self._face, request.id),
            lambda _: response_type(),
            response_type,
        )

    async def send(
        self,
        request: SendRequest,
        respond: Callable[[Send], Response],
        response_type: type[Response],
    ) -> Response:
        """Starts a send, to the recipients given or to the campaign's own audience."""
        recipients, classify = None, classify_recipients
        if not request.audience:
            recipients, classify = await self._read_recipients(request)
        expire_at = read_timestamp(request, "expire_at")
        return await self._commands.change(
            request,
            lambda tx, caller: send_campaign(
                tx, caller, self._face, request.id, recipients, expire_at, classify
            ),
            respond,
            response_type,
        )

    async def _read_recipients(self, request: SendRequest) -> tuple[list[Recipient], Classify]:
        """The recipients, and what classifies them: of many it was done on a thread, since all
        other calls, or all other writes, would wait for it."""
        if len(request.recipients) <= BATCH:
            return audience.read_recipients(request), classify_recipients
        channels, shared = await self._commands.query(
            lambda tx, caller: how_to_classify(tx, caller, self._face, request.id)
        )

        def classified() -> tuple[list[Recipient], Classify]:
            given = audience.read_recipients(request)
            return given, classified_before(channels, given, allow_shared_addresses=shared)

        return await check_on_thread(classified)

    async def preview(
        self, request: PreviewRequest, response_type: type[PreviewResponse]
    ) -> PreviewResponse:
        """Tells who would get a send and who would be skipped."""
        recipients = audience.read_recipients(request) or None
        brand_id = (await self.get(request.id)).brand_id
        campaign, found = await self._commands.preview(
            brand_id,
            lambda tx, caller: preview_campaign(tx, caller, self._face, request.id, recipients),
        )
        return response_type(
            preview=audience.preview(found), allow_shared_addresses=campaign.allow_shared_addresses
        )

    async def cancel(
        self,
        request: CancelRequest,
        respond: Callable[[CancelledCampaign], Response],
        response_type: type[Response],
    ) -> tuple[Response, CancelReceipt]:
        """Cancels a campaign. The receipt is for answers that have no room for it."""
        return await cancel_campaign_and_wait(
            self._storage,
            self._commands.commit(request, respond, response_type),
            self._commands.caller(),
            self._face,
            request.id,
        )

    async def list_sends(self, request: ListSendsRequest) -> Page[Send]:
        """A page of a campaign's sends."""
        return await self._commands.query(
            lambda tx, caller: list_campaign_sends(
                tx, caller, self._face, request.id, request.page_size, request.page_token
            )
        )
