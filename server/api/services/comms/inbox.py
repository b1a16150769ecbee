"""carillon.comms.v1.InboxService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from carillon.comms.v1 import inbox_service_pb2, inbox_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import inbox
from server.api.interceptors.call import Context
from server.api.watchers import Watchers
from server.commands.inbox.change import archive_items, read_items
from server.commands.inbox.owner import named_owner
from server.commands.inbox.queries import list_inbox_items
from server.commands.inbox.watch import watch_inbox
from server.domain.clock import Clock
from storage.contract.storage import Storage

pb = inbox_service_pb2


class InboxService(inbox_service_pb2_grpc.InboxServiceServicer):
    """Anybody's inbox, for services."""

    def __init__(
        self, commands: CommandRunner, storage: Storage, clock: Clock, watchers: Watchers
    ) -> None:
        self._commands = commands
        self._storage = storage
        self._clock = clock
        self._watchers = watchers

    async def ListInboxItems(
        self, request: pb.ListInboxItemsRequest, context: Context
    ) -> pb.ListInboxItemsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_inbox_items(
                tx,
                caller,
                request.brand_id,
                request.person_id,
                request.limit or request.page_size,
                request.page_token,
                archived=request.archived,
            )
        )
        return pb.ListInboxItemsResponse(
            data=map(inbox.item, page.items), next_page_token=page.next_page_token
        )

    async def BulkArchiveInboxItems(
        self, request: pb.BulkArchiveInboxItemsRequest, context: Context
    ) -> pb.BulkArchiveInboxItemsResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: archive_items(
                tx, caller, request.brand_id, request.user_id, request.ids
            ),
            lambda count: pb.BulkArchiveInboxItemsResponse(updated=count),
            pb.BulkArchiveInboxItemsResponse,
        )

    async def BulkReadInboxItems(
        self, request: pb.BulkReadInboxItemsRequest, context: Context
    ) -> pb.BulkReadInboxItemsResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: read_items(
                tx, caller, request.brand_id, request.user_id, request.ids
            ),
            lambda count: pb.BulkReadInboxItemsResponse(updated=count),
            pb.BulkReadInboxItemsResponse,
        )

    async def WatchInbox(
        self, request: pb.WatchInboxRequest, context: Context
    ) -> AsyncIterator[pb.WatchInboxResponse]:
        caller = self._commands.caller()
        owner = named_owner(caller, request.brand_id, request.person_id)
        with self._watchers.one_of(caller.principal):
            async with aclosing(
                watch_inbox(self._storage, self._clock, owner, caller.principal.expires_at)
            ) as changes:
                async for change in changes:
                    yield pb.WatchInboxResponse(
                        unread_count=change.unread_count, items=map(inbox.item, change.new_items)
                    )
