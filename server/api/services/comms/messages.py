"""carillon.comms.v1.MessageService."""

from __future__ import annotations

from carillon.comms.v1 import (
    message_pb2,
    message_service_pb2,
    message_service_pb2_grpc,
    timeline_pb2,
)
from server.api.command_runner import CommandRunner, has_idempotency_key
from server.api.converters import comms
from server.api.converters.one_offs import message_outcome, read_new_message, read_new_messages
from server.api.converters.timeline import timeline
from server.api.converters.values import (
    read_channel,
    read_enum,
    read_timestamp,
    require_timestamp,
)
from server.api.deadline import seconds_to_wait
from server.api.interceptors.call import Context
from server.api.threads import RenderThreads
from server.commands.messages.batch import schedule_messages
from server.commands.messages.cancel import cancel_message
from server.commands.messages.intake import MessageIntake
from server.commands.messages.queries import (
    forms_of_address,
    get_message,
    get_message_summary,
    list_message_attempts,
    list_messages,
)
from server.commands.messages.schedule import schedule_message
from server.commands.messages.send import accept_at_once, wait_for_outcome
from server.commands.messages.timeline import get_timeline
from server.domain.contacts.unsubscribe import UnsubscribeLinks
from server.domain.paging import Page
from storage.contract.storage import Storage
from storage.model.messages import Message, MessageFilter, MessageStatus

pb = message_service_pb2

ListRequest = (
    pb.ListMessagesRequest | pb.ListScheduledMessagesRequest | pb.ListRecentMessagesRequest
)


class MessageService(message_service_pb2_grpc.MessageServiceServicer):
    """One-off messages, and the messages of sends as rows."""

    def __init__(
        self,
        commands: CommandRunner,
        storage: Storage,
        intake: MessageIntake,
        links: UnsubscribeLinks,
        threads: RenderThreads,
        send_wait_seconds: float,
    ) -> None:
        self._commands = commands
        self._storage = storage
        self._intake = intake
        self._links = links
        self._threads = threads
        self._send_wait_seconds = send_wait_seconds

    async def SendMessage(
        self, request: pb.SendMessageRequest, context: Context
    ) -> message_pb2.MessageSummary:
        now = self._commands.caller().now
        new = read_new_message(request, request.brand_id, now)
        accepted = await self._commands.change(
            request,
            lambda tx, caller: accept_at_once(tx, caller, new),
            lambda message: comms.message_summary(message, None),
            message_pb2.MessageSummary,
        )
        seen = await wait_for_outcome(
            self._storage,
            accepted.message_id,
            now,
            seconds_to_wait(context, self._send_wait_seconds),
        )
        return accepted if seen is None else comms.message_summary(*seen)

    async def ScheduleMessage(
        self, request: pb.ScheduleMessageRequest, context: Context
    ) -> message_pb2.Message:
        new = read_new_message(
            request, request.brand_id, require_timestamp(request, "scheduled_at")
        )
        if not has_idempotency_key():
            # No answer has to be kept with the message, so it needs no transaction of its own.
            return comms.message(await self._intake.schedule(self._commands.caller(), new))
        return await self._commands.change(
            request,
            lambda tx, caller: schedule_message(tx, caller, new),
            comms.message,
            message_pb2.Message,
        )

    async def BatchScheduleMessages(
        self, request: pb.BatchScheduleMessagesRequest, context: Context
    ) -> pb.BatchScheduleMessagesResponse:
        batch = read_new_messages(request, self._commands.caller().now)
        return await self._commands.change(
            request,
            lambda tx, caller: schedule_messages(tx, caller, request.brand_id, batch),
            lambda outcomes: pb.BatchScheduleMessagesResponse(
                outcomes=map(message_outcome, outcomes)
            ),
            pb.BatchScheduleMessagesResponse,
        )

    async def GetMessage(
        self, request: pb.GetMessageRequest, context: Context
    ) -> message_pb2.MessageSummary:
        return comms.message_summary(
            *await self._commands.query(
                lambda tx, caller: get_message_summary(tx, caller, request.id)
            )
        )

    async def GetScheduledMessage(
        self, request: pb.GetScheduledMessageRequest, context: Context
    ) -> message_pb2.Message:
        return comms.message(
            await self._commands.query(lambda tx, caller: get_message(tx, caller, request.id))
        )

    async def ListScheduledMessages(
        self, request: pb.ListScheduledMessagesRequest, context: Context
    ) -> pb.ListScheduledMessagesResponse:
        where = MessageFilter(one_off=True, status=_read_status(request))
        page = await self._list(request, where, request.page_size)
        return pb.ListScheduledMessagesResponse(
            data=map(comms.message, page.items), next_page_token=page.next_page_token
        )

    async def ListRecentMessages(
        self, request: pb.ListRecentMessagesRequest, context: Context
    ) -> pb.ListRecentMessagesResponse:
        page = await self._list(request, MessageFilter(), request.limit or request.page_size)
        return pb.ListRecentMessagesResponse(
            messages=map(comms.recent_message, page.items), next_page_token=page.next_page_token
        )

    async def ListMessages(
        self, request: pb.ListMessagesRequest, context: Context
    ) -> pb.ListMessagesResponse:
        page = await self._list(request, _read_filter(request), request.page_size)
        return pb.ListMessagesResponse(
            data=map(comms.message, page.items), next_page_token=page.next_page_token
        )

    async def _list(
        self, request: ListRequest, where: MessageFilter, page_size: int
    ) -> Page[Message]:
        return await self._commands.query(
            lambda tx, caller: list_messages(
                tx, caller, request.brand_id, where, page_size, request.page_token
            )
        )

    async def CancelMessage(
        self, request: pb.CancelMessageRequest, context: Context
    ) -> message_pb2.Message:
        return await self._commands.change(
            request,
            lambda tx, caller: cancel_message(tx, caller, request.id),
            comms.message,
            message_pb2.Message,
        )

    async def GetMessageTimeline(
        self, request: pb.GetMessageTimelineRequest, context: Context
    ) -> timeline_pb2.MessageTimeline:
        found = await self._commands.query(lambda tx, caller: get_timeline(tx, caller, request.id))
        said = await self._threads.render(
            found.message.brand_id, lambda: found.said(self._links.link)
        )
        return timeline(found, said)

    async def ListMessageAttempts(
        self, request: pb.ListMessageAttemptsRequest, context: Context
    ) -> pb.ListMessageAttemptsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_message_attempts(
                tx, caller, request.id, request.page_size, request.page_token
            )
        )
        return pb.ListMessageAttemptsResponse(
            attempts=map(comms.attempt, page.items), next_page_token=page.next_page_token
        )


def _read_filter(request: pb.ListMessagesRequest) -> MessageFilter:
    channel = read_channel(request.channel) if request.channel else None
    return MessageFilter(
        person_id=request.person_id or None,
        recipients=forms_of_address(channel, request.recipient) if request.recipient else None,
        campaign_id=request.campaign_id or None,
        send_id=request.send_id or None,
        channel=channel,
        status=_read_status(request),
        reason=request.reason or None,
        dedup_key=request.dedup_key or None,
        created_after=read_timestamp(request, "created_after"),
        created_before=read_timestamp(request, "created_before"),
    )


def _read_status(
    request: pb.ListMessagesRequest | pb.ListScheduledMessagesRequest,
) -> MessageStatus | None:
    name = read_enum(request, "status")
    return MessageStatus(name) if name else None
