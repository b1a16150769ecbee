"""carillon.messaging.v1.SendService."""

from __future__ import annotations

from collections.abc import AsyncIterator

from carillon.messaging.v1 import send_pb2, send_service_pb2, send_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import messaging, ops
from server.api.converters.values import timestamp
from server.api.interceptors.call import Context
from server.api.quiescence import Standstill, woken
from server.commands.campaigns.queries import get_send, get_send_report
from server.commands.sends.cancel import cancel_send
from server.commands.sends.pause import pause_send, resume_send
from server.commands.sends.retry_failed import retry_failed
from storage.contract.signals import PROGRESS, Signals

pb = send_service_pb2

LOOK_AGAIN = 1.0
"""Seconds between looks of a watcher that no signal wakes: the send may be delivered by another
process."""


class SendService(send_service_pb2_grpc.SendServiceServicer):
    """What became of each run of a campaign."""

    def __init__(self, calls: CommandRunner, signals: Signals, standstill: Standstill) -> None:
        self._calls = calls
        self._signals = signals
        self._standstill = standstill

    async def GetSend(self, request: pb.GetSendRequest, context: Context) -> send_pb2.Send:
        return messaging.send(
            await self._calls.query(lambda tx, caller: get_send(tx, caller, request.id))
        )

    async def GetSendReport(
        self, request: pb.GetSendReportRequest, context: Context
    ) -> send_pb2.SendReport:
        send, counts = await self._calls.query(
            lambda tx, caller: get_send_report(tx, caller, request.id)
        )
        return messaging.report(send, counts)

    async def WatchSend(
        self, request: pb.WatchSendRequest, context: Context
    ) -> AsyncIterator[send_pb2.Send]:
        told = None
        with self._signals.subscribe(PROGRESS) as progress:
            while True:
                progress.clear()
                send = await self._calls.query(lambda tx, caller: get_send(tx, caller, request.id))
                report = messaging.send(send)
                if report != told:
                    yield report
                    told = report
                if send.completed_at is not None:
                    return
                await woken(progress, LOOK_AGAIN)

    async def PauseSend(
        self, request: pb.PauseSendRequest, context: Context
    ) -> pb.PauseSendResponse:
        response = await self._calls.change(
            context,
            request,
            lambda tx, caller: pause_send(tx, caller, request.id),
            lambda send: pb.PauseSendResponse(
                send=messaging.send(send), paused_at=timestamp(send.paused_at)
            ),
            pb.PauseSendResponse,
        )
        await self._standstill.wait([request.id])
        return response

    async def ResumeSend(
        self, request: pb.ResumeSendRequest, context: Context
    ) -> pb.ResumeSendResponse:
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: resume_send(tx, caller, request.id),
            lambda send: pb.ResumeSendResponse(send=messaging.send(send)),
            pb.ResumeSendResponse,
        )

    async def CancelSend(
        self, request: pb.CancelSendRequest, context: Context
    ) -> pb.CancelSendResponse:
        response = await self._calls.change(
            context,
            request,
            lambda tx, caller: cancel_send(tx, caller, request.id),
            lambda cancelled: pb.CancelSendResponse(
                send=messaging.send(cancelled.send), receipt=ops.cancel_receipt(cancelled.receipt)
            ),
            pb.CancelSendResponse,
        )
        await self._standstill.wait([request.id])
        return response

    async def RetryFailedMessages(
        self, request: pb.RetryFailedMessagesRequest, context: Context
    ) -> send_pb2.Send:
        return await self._calls.change(
            context,
            request,
            lambda tx, caller: retry_failed(
                tx, caller, request.id, include_unknown=request.include_unknown
            ),
            messaging.send,
            send_pb2.Send,
        )
