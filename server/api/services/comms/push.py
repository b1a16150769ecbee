"""carillon.comms.v1.PushService."""

from __future__ import annotations

from carillon.comms.v1 import push_service_pb2 as pb
from carillon.comms.v1 import push_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import push
from server.api.deadline import seconds_to_wait
from server.api.interceptors.call import Context
from server.commands.messages.send import wait_for_outcomes
from server.commands.push.send import accept_push, find_vendor_id
from server.commands.push.subscriptions import create_push_subscription, delete_push_subscription
from server.domain.errors import NotFound
from storage.contract.storage import Storage


class PushService(push_service_pb2_grpc.PushServiceServicer):
    """Web Push."""

    def __init__(
        self,
        commands: CommandRunner,
        storage: Storage,
        public_key: str | None,
        send_wait_seconds: float,
    ) -> None:
        """`public_key` is what browsers subscribe with; None: there is no Web Push here."""
        self._commands = commands
        self._storage = storage
        self._public_key = public_key
        self._send_wait_seconds = send_wait_seconds

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

    async def SendPush(self, request: pb.SendPushRequest, context: Context) -> pb.SendPushResponse:
        self._required_key()
        now = self._commands.caller().now
        new = push.read_push(request)
        accepted = await self._commands.change(
            request,
            lambda tx, caller: accept_push(tx, caller, new),
            lambda made: push.push_outcomes(
                new.patient_id, made.person_id, ((message, None) for message in made.messages)
            ),
            pb.SendPushResponse,
        )
        seen = await wait_for_outcomes(
            self._storage,
            [result.message_id for result in accepted.results],
            find_vendor_id,
            now,
            seconds_to_wait(context, self._send_wait_seconds),
        )
        if seen is None:
            return accepted
        return push.push_outcomes(accepted.patient_id, accepted.person_id, seen)

    async def GetPushKey(
        self, request: pb.GetPushKeyRequest, context: Context
    ) -> pb.GetPushKeyResponse:
        return pb.GetPushKeyResponse(public_key=self._required_key())

    def _required_key(self) -> str:
        if self._public_key is None:
            raise NotFound("push_key")
        return self._public_key
