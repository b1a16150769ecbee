"""carillon.comms.v1.UnsubscribeService: the only methods for people rather than programs."""

from __future__ import annotations

from functools import partial

from google.api import httpbody_pb2

from carillon.comms.v1 import suppression_service_pb2, suppression_service_pb2_grpc
from server.api.command_runner import REQUEST_ID
from server.api.converters.unsubscribe_page import PAGE_HEADERS, unsubscribe_page
from server.api.interceptors.call import Context, current_metadata
from server.commands.consents.links import (
    Choices,
    LinkUse,
    choose,
    choose_everything,
    read_choices,
    unsubscribe,
)
from server.domain.clock import Clock
from server.domain.contacts.unsubscribe import LinkedContact, UnsubscribeLinks
from server.domain.errors import NotFound
from storage.contract.storage import Storage, Transaction

pb = suppression_service_pb2


class UnsubscribeService(suppression_service_pb2_grpc.UnsubscribeServiceServicer):
    """What a person does with the link in a mail. Nobody has a token here: the link is the
    right."""

    def __init__(self, storage: Storage, clock: Clock, links: UnsubscribeLinks) -> None:
        self._storage = storage
        self._clock = clock
        self._links = links

    async def ShowUnsubscribePage(
        self, request: pb.ShowUnsubscribePageRequest, context: Context
    ) -> httpbody_pb2.HttpBody:
        contact = self._contact(request.token)
        choices = await self._storage.read(lambda tx: read_choices(tx, contact))
        return await _answer(context, contact, choices)

    async def Unsubscribe(
        self, request: pb.UnsubscribeRequest, context: Context
    ) -> httpbody_pb2.HttpBody:
        contact = self._contact(request.token)
        use = LinkUse(contact, self._clock.now(), current_metadata(REQUEST_ID))
        choices = await self._storage.write(partial(_unsubscribe, use=use, request=request))
        return await _answer(context, contact, choices)

    def _contact(self, token: str) -> LinkedContact:
        contact = self._links.contact(token)
        if contact is None:
            raise NotFound("link")
        return contact


async def _unsubscribe(tx: Transaction, use: LinkUse, request: pb.UnsubscribeRequest) -> Choices:
    if not request.HasField("wanted"):
        await unsubscribe(tx, use)
    elif request.everything:
        await choose_everything(tx, use, wanted=request.wanted)
    else:
        await choose(tx, use, request.category, wanted=request.wanted)
    return await read_choices(tx, use.contact)


async def _answer(
    context: Context, contact: LinkedContact, choices: Choices
) -> httpbody_pb2.HttpBody:
    await context.send_initial_metadata(PAGE_HEADERS)
    page = unsubscribe_page(choices, contact.category)
    return httpbody_pb2.HttpBody(content_type="text/html; charset=utf-8", data=page.encode())
