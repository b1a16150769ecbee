"""Calls a second, 64 at once. The messages are due in a month, so the dispatcher stays out of the figure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import uuid4

import grpc
from google.protobuf import json_format, timestamp_pb2

from benchmarks.service import Target
from carillon.comms.v1 import message_service_pb2, message_service_pb2_grpc
from carillon.ops.v1 import probe_service_pb2, probe_service_pb2_grpc
from carillon.type.v1 import channel_pb2

AT_ONCE = 64
FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)


async def empty_method(target: Target, size: int) -> float:
    """A method that does nothing, on the same server."""
    async with grpc.aio.insecure_channel(target.grpc) as channel:
        stub = probe_service_pb2_grpc.ProbeServiceStub(channel)
        return await _rate(size, lambda _: stub.CheckLiveness(probe_service_pb2.CheckLivenessRequest()))


async def schedule_message(target: Target, size: int) -> float:
    """A durable message a call."""
    metadata = (("authorization", f"Bearer {target.token}"),)
    scheduled_at = timestamp_pb2.Timestamp()
    scheduled_at.FromDatetime(FAR)
    run = uuid4().hex
    async with grpc.aio.insecure_channel(target.grpc) as channel:
        stub = message_service_pb2_grpc.MessageServiceStub(channel)

        def call(number: int) -> Awaitable[object]:
            request = message_service_pb2.ScheduleMessageRequest(channel=channel_pb2.email, scheduled_at=scheduled_at)
            json_format.ParseDict(_message(run, number), request)
            return stub.ScheduleMessage(request, metadata=metadata)

        return await _rate(size, call)


def _message(run: str, number: int) -> dict[str, str]:
    return {
        "template_key": "welcome",
        "recipient": "ada@example.com",
        "brand_id": "demo",
        "person_id": "ada",
        "dedup_key": f"{run}-{number}",
    }


async def _rate(size: int, call: Callable[[int], Awaitable[object]]) -> float:
    numbers = iter(range(size))

    async def worker() -> None:
        for number in numbers:
            await call(number)

    started = perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return size / (perf_counter() - started)
