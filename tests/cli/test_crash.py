"""A real process, killed outright in the middle of a send: nobody is lost, nobody gets it twice,
and the sums match."""

from __future__ import annotations

import signal
from typing import Any

import grpc

from carillon.messaging.v1 import send_pb2, send_service_pb2, send_service_pb2_grpc
from tests.support.api.callers import GrpcCaller
from tests.support.api.deliveries import SENDS, attempts, mailed, messages_of, report
from tests.support.api.running import running_service
from tests.support.api.scenes import MESSAGING, messaging_campaign, ok, recipients, until
from tests.support.carillon import Installation

BRAND = "acme"
RECIPIENTS = 2000
MAX_CONCURRENCY = 64
"""Messages of a channel that can be with the outbox at once, and so in doubt after a crash."""


async def sent_at_least(
    channel: grpc.aio.Channel, token: str, send_id: str, count: int
) -> send_pb2.Send:
    """The send as soon as so many were sent."""
    stub: Any = send_service_pb2_grpc.SendServiceStub(channel)
    events = stub.WatchSend(
        send_service_pb2.WatchSendRequest(id=send_id),
        metadata=(("authorization", f"Bearer {token}"),),
    )
    try:
        async for send in events:
            if send.sent_count >= count:
                found: send_pb2.Send = send
                return found
    finally:
        events.cancel()
    raise AssertionError("the send ended before")


async def test_killed_in_the_middle_of_a_send_it_accounts_for_everybody(
    installation: Installation,
) -> None:
    async with (
        installation.running() as serving,
        grpc.aio.insecure_channel(installation.grpc) as channel,
    ):
        assert (await installation.run("brand", "create", BRAND)).status == 0
        token = await installation.token(BRAND)
        api = GrpcCaller(channel, token)
        people = recipients(RECIPIENTS)
        request = {"id": await messaging_campaign(api, BRAND), "recipients": people}
        send_id = (await ok(api, f"{MESSAGING}/PublishCampaign", request))["id"]
        seen = await sent_at_least(channel, token, send_id, RECIPIENTS // 4)
        await serving.stop(signal.SIGKILL)
        assert seen.sent_count < RECIPIENTS

    async with running_service(installation.directory / "var") as running:
        api = GrpcCaller(running.channel, token)
        await until(
            running, lambda: ok(api, f"{SENDS}/GetSend", {"id": send_id}), "status", "completed"
        )
        final = await report(api, send_id)
        rows = await messages_of(api, send_id=send_id)
        in_doubt = {row["id"] for row in rows if row["status"] == "unknown"}
        sent = {row["id"] for row in rows if row["status"] == "sent"}
        assert final["total"] == len(rows) == len(sent) + len(in_doubt) == RECIPIENTS
        assert {row["recipient"] for row in rows} == {each["recipient"] for each in people}
        assert len(in_doubt) <= MAX_CONCURRENCY
        assert sent <= mailed(running) <= sent | in_doubt
        for message_id in [*in_doubt, *sorted(sent)[::25]]:
            # The outbox knows a mail again by its name, so what was in doubt was put there once
            # more.
            *in_doubt_before, last = await attempts(api, message_id)
            assert last["outcome"] == ("ambiguous" if message_id in in_doubt else "accepted")
            assert {each["outcome"] for each in in_doubt_before} <= {"ambiguous"}
