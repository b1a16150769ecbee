"""carillon.messaging.v1.SendService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from carillon.messaging.v1 import send_pb2, send_service_pb2, send_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import messaging
from server.api.interceptors.call import Context
from server.api.watchers import Watchers
from server.commands.sends.cancel import cancel_send_and_wait
from server.commands.sends.change_version import change_send_version
from server.commands.sends.pause import pause_send_and_wait, resume_send
from server.commands.sends.queries import get_send, get_send_report
from server.commands.sends.retry_failed import retry_failed
from server.commands.sends.watch import SendWatch
from storage.contract.storage import Storage

pb = send_service_pb2


class SendService(send_service_pb2_grpc.SendServiceServicer):
    """What became of each run of a campaign."""

    def __init__(
        self, commands: CommandRunner, storage: Storage, watch: SendWatch, watchers: Watchers
    ) -> None:
        self._commands = commands
        self._storage = storage
        self._watch = watch
        self._watchers = watchers

    async def GetSend(self, request: pb.GetSendRequest, context: Context) -> send_pb2.Send:
        return messaging.send(
            await self._commands.query(lambda tx, caller: get_send(tx, caller, request.id))
        )

    async def GetSendReport(
        self, request: pb.GetSendReportRequest, context: Context
    ) -> send_pb2.SendReport:
        send, counts = await self._commands.query(
            lambda tx, caller: get_send_report(tx, caller, request.id)
        )
        return messaging.report(send, counts)

    async def WatchSend(
        self, request: pb.WatchSendRequest, context: Context
    ) -> AsyncIterator[send_pb2.Send]:
        last, caller = None, self._commands.caller()
        with self._watchers.one_of(caller.principal):
            async with aclosing(self._watch.watch(caller, request.id)) as sends:
                async for send in sends:
                    now = messaging.send(send)
                    # Not every change is one of what the documented answer shows.
                    if now != last:
                        yield now
                    last = now

    async def PauseSend(
        self, request: pb.PauseSendRequest, context: Context
    ) -> pb.PauseSendResponse:
        return await pause_send_and_wait(
            self._storage,
            self._commands.commit(request, messaging.paused_send, pb.PauseSendResponse),
            request.id,
        )

    async def ResumeSend(
        self, request: pb.ResumeSendRequest, context: Context
    ) -> pb.ResumeSendResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: resume_send(tx, caller, request.id),
            lambda send: pb.ResumeSendResponse(send=messaging.send(send)),
            pb.ResumeSendResponse,
        )

    async def ChangeSendVersion(
        self, request: pb.ChangeSendVersionRequest, context: Context
    ) -> pb.ChangeSendVersionResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: change_send_version(tx, caller, request.id, request.version_id),
            messaging.changed_send,
            pb.ChangeSendVersionResponse,
        )

    async def CancelSend(
        self, request: pb.CancelSendRequest, context: Context
    ) -> pb.CancelSendResponse:
        return await cancel_send_and_wait(
            self._storage,
            self._commands.commit(request, messaging.cancelled_send, pb.CancelSendResponse),
            request.id,
        )

    async def RetryFailedMessages(
        self, request: pb.RetryFailedMessagesRequest, context: Context
    ) -> send_pb2.Send:
        return await self._commands.change(
            request,
            lambda tx, caller: retry_failed(
                tx, caller, request.id, include_unknown=request.include_unknown
            ),
            messaging.send,
            send_pb2.Send,
        )
