"""carillon.comms.v1.PushService."""

from __future__ import annotations

from carillon.comms.v1 import push_service_pb2 as pb
from carillon.comms.v1 import push_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import push
from server.api.interceptors.call import Context
from server.commands.push.subscriptions import create_push_subscription, delete_push_subscription
from server.domain.errors import NotFound


class PushService(push_service_pb2_grpc.PushServiceServicer):
    """Web Push."""

    def __init__(self, commands: CommandRunner, public_key: str | None) -> None:
        """`public_key` is what browsers subscribe with; None: there is no Web Push here."""
        self._commands = commands
        self._public_key = public_key

    async def CreatePushSubscription(
        self, request: pb.CreatePushSubscriptionRequest, context: Context
    ) -> pb.PushSubscription:
        self._required_key()
        new = push.read_subscription(request)
        return await self._commands.change(
            request,
            lambda tx, caller: create_push_subscription(tx, caller, request.brand_id, new),
            push.subscription,
            pb.PushSubscription,
        )

    async def DeletePushSubscription(
        self, request: pb.DeletePushSubscriptionRequest, context: Context
    ) -> pb.DeletePushSubscriptionResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: delete_push_subscription(tx, caller, request.id),
            lambda _: pb.DeletePushSubscriptionResponse(),
            pb.DeletePushSubscriptionResponse,
        )

    async def GetPushKey(
        self, request: pb.GetPushKeyRequest, context: Context
    ) -> pb.GetPushKeyResponse:
        return pb.GetPushKeyResponse(public_key=self._required_key())

    def _required_key(self) -> str:
        if self._public_key is None:
            raise NotFound("push_key")
        return self._public_key
