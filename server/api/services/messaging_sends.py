"""carillon.messaging.v1.SendService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from carillon.messaging.v1 import send_pb2, send_service_pb2, send_service_pb2_grpc
from server.api.calls import Calls
from server.api.converters import messaging
from server.api.guard import Context
from server.commands.campaign_queries import get_send, get_send_report
from storage.signals import PROGRESS, Signals

pb = send_service_pb2

LOOK_AGAIN = 1.0
"""Seconds between looks of a watcher that no signal wakes: the send may be delivered by another process."""


class SendService(send_service_pb2_grpc.SendServiceServicer):
    """What became of each run of a campaign."""

    def __init__(self, calls: Calls, signals: Signals) -> None:
        self._calls = calls
        self._signals = signals

    async def GetSend(self, request: pb.GetSendRequest, context: Context) -> send_pb2.Send:
        return messaging.send(await self._calls.query(lambda tx, caller: get_send(tx, caller, request.id)))

    async def GetSendReport(self, request: pb.GetSendReportRequest, context: Context) -> send_pb2.SendReport:
        send, counts = await self._calls.query(lambda tx, caller: get_send_report(tx, caller, request.id))
        return messaging.report(send, counts)

    async def WatchSend(self, request: pb.WatchSendRequest, context: Context) -> AsyncIterator[send_pb2.Send]:
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
                await _wait(progress)


async def _wait(progress: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN):
            await progress.wait()
