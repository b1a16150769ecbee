"""carillon.comms.v1.InboxService."""

from __future__ import annotations

from carillon.comms.v1 import inbox_service_pb2, inbox_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import comms
from server.api.interceptors.call import Context
from server.commands.people.queries import list_inbox_items


class InboxService(inbox_service_pb2_grpc.InboxServiceServicer):
    """What in_app messages put before a person."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def ListInboxItems(
        self, request: inbox_service_pb2.ListInboxItemsRequest, context: Context
    ) -> inbox_service_pb2.ListInboxItemsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_inbox_items(
                tx,
                caller,
                request.brand_id,
                request.person_id,
                request.page_size,
                request.page_token,
            )
        )
        return inbox_service_pb2.ListInboxItemsResponse(
            items=map(comms.inbox_item, page.items), next_page_token=page.next_page_token
        )
