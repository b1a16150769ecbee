"""carillon.comms.v1.SlaService."""

from __future__ import annotations

from carillon.comms.v1 import sla_service_pb2 as pb
from carillon.comms.v1 import sla_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.deadline import seconds_to_wait
from server.api.interceptors.call import Context
from server.commands.messages.send import wait_for_outcome
from server.commands.sla.ping_sms import accept_canary, latency_ms
from storage.contract.storage import Storage
from storage.model.messages import MessageStatus


class SlaService(sla_service_pb2_grpc.SlaServiceServicer):
    """Whether providers do what was agreed."""

    def __init__(
        self, commands: CommandRunner, storage: Storage, number: str, wait_seconds: float
    ) -> None:
        """`number` is where canaries go; empty: nowhere."""
        self._commands = commands
        self._storage = storage
        self._number = number
        self._wait_seconds = wait_seconds

    async def PingSms(self, request: pb.PingSmsRequest, context: Context) -> pb.PingSmsResponse:
        accepted = await self._commands.change(
            request,
            lambda tx, caller: accept_canary(tx, caller, request.brand_id, self._number),
            lambda message: pb.PingSmsResponse(message_id=message.id),
            pb.PingSmsResponse,
        )
        seconds = seconds_to_wait(context, self._wait_seconds)
        now = self._commands.caller().now
        seen = await wait_for_outcome(self._storage, accepted.message_id, now, seconds)
        if seen is None:
            return accepted
        message, _ = seen
        return pb.PingSmsResponse(
            delivered=message.status is MessageStatus.SENT,
            latency_ms=latency_ms(message, self._commands.caller().now, seconds),
            message_id=message.id,
        )
