"""carillon.comms.v1.NotificationService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from carillon.comms.v1 import notification_service_pb2, notification_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import inbox
from server.api.converters.values import read_optional, read_struct
from server.api.interceptors.call import Context
from server.api.watchers import Watchers
from server.commands.inbox.change import read_notification
from server.commands.inbox.notify import NewNotification, create_notification
from server.commands.inbox.owner import calling_owner
from server.commands.inbox.queries import count_unread, list_notifications
from server.commands.inbox.watch import watch_inbox
from server.domain.clock import Clock
from storage.contract.storage import Storage

pb = notification_service_pb2


class NotificationService(notification_service_pb2_grpc.NotificationServiceServicer):
    """A person's own inbox, and what services put there."""

    def __init__(
        self, commands: CommandRunner, storage: Storage, clock: Clock, watchers: Watchers
    ) -> None:
        self._commands = commands
        self._storage = storage
        self._clock = clock
        self._watchers = watchers

    async def CreateNotification(
        self, request: pb.CreateNotificationRequest, context: Context
    ) -> pb.CreateNotificationResponse:
        new = NewNotification(
            brand_id=request.brand_id,
            patient_id=request.patient_id,
            kind=request.kind,
            title=request.title,
            body=read_optional(request, "body"),
            link=read_optional(request, "link"),
            metadata=read_struct(request.metadata),
        )
        return await self._commands.change(
            request,
            lambda tx, caller: create_notification(tx, caller, new),
            lambda item: inbox.created_notification(item, request.patient_id),
            pb.CreateNotificationResponse,
        )

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: Context
    ) -> pb.ListNotificationsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_notifications(
                tx,
                caller,
                request.brand_id,
                request.limit or request.page_size,
                request.cursor,
                request.page_token,
            )
        )
        return pb.ListNotificationsResponse(
            data=map(inbox.notification, page.items),
            next_cursor=page.next_page_token or None,
            next_page_token=page.next_page_token,
        )

    async def GetUnreadCount(
        self, request: pb.GetUnreadCountRequest, context: Context
    ) -> pb.GetUnreadCountResponse:
        return pb.GetUnreadCountResponse(
            count=await self._commands.query(
                lambda tx, caller: count_unread(tx, caller, request.brand_id)
            )
        )

    async def ReadNotification(
        self, request: pb.ReadNotificationRequest, context: Context
    ) -> pb.Notification:
        return await self._commands.change(
            request,
            lambda tx, caller: read_notification(tx, caller, request.brand_id, request.id),
            inbox.notification,
            pb.Notification,
        )

    async def WatchNotifications(
        self, request: pb.WatchNotificationsRequest, context: Context
    ) -> AsyncIterator[pb.WatchNotificationsResponse]:
        caller = self._commands.caller()
        owner = await self._storage.read(lambda tx: calling_owner(tx, caller, request.brand_id))
        with self._watchers.one_of(caller.principal):
            async with aclosing(
                watch_inbox(self._storage, self._clock, owner, caller.principal.expires_at)
            ) as changes:
                async for change in changes:
                    yield pb.WatchNotificationsResponse(
                        unread_count=change.unread_count,
                        notifications=map(inbox.notification, change.new_items),
                    )
