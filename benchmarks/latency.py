"""How long a message to one person takes when nothing else goes on: from its acceptance to the call
of the provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from uuid import uuid4

from google.protobuf import json_format

from benchmarks import grpc_load
from benchmarks.bench import Bench
from benchmarks.calls import TEMPLATE, service
from benchmarks.figures import Figure, at_most, percentile
from benchmarks.schedule import SCHEDULE
from benchmarks.service import BRAND, Target, running
from benchmarks.sinks.smtp import Sink, running_sink
from carillon.comms.v1 import message_pb2, message_service_pb2

PAUSE = 0.03
"""Seconds between messages, on average: long enough for the service to be idle."""


def idle(bench: Bench) -> Iterator[Figure]:
    """One after the other, to a mail server on this machine. The answer's arrival and the mail
    server's MAIL command are read from the same clock; what happens before the answer is there
    counts as nothing."""
    p50, p99 = [], []
    with (
        running_sink(bench.scratch) as sink,
        running(settings=sink.settings) as target,
        service(target) as ready,
    ):
        ready.put_template("email")
        _latencies(target, sink, 1)
        for _ in range(bench.sizes.repeats):
            found = _latencies(target, sink, bench.sizes.latencies)
            p50.append(percentile(found, 0.50) * 1000)
            p99.append(percentile(found, 0.99) * 1000)
    yield Figure(
        "one-off message on an idle service, accepted → provider called, p99",
        "ms",
        p99,
        target=at_most(25),
    )
    yield Figure("one-off message on an idle service, accepted → provider called, p50", "ms", p50)


def _latencies(target: Target, sink: Sink, count: int) -> list[float]:
    """Seconds; negative where the provider was called before the answer had arrived."""
    before = len(sink.taken(0))
    accepted = asyncio.run(_schedule(target, count))
    called = {taken.message_id: taken.monotonic for taken in sink.taken(before + count)}
    return [called[message_id] - at for message_id, at in accepted.items()]


async def _schedule(target: Target, count: int) -> dict[str, float]:
    """Message ids, and when their answers arrived."""
    accepted: dict[str, float] = {}
    chance = Random(1)

    def answered(answer: bytes) -> None:
        at = time.monotonic()
        accepted[message_pb2.Message.FromString(answer).id] = at

    for _ in range(count):
        await asyncio.sleep(PAUSE * 2 * chance.random())
        await grpc_load.call_many(
            target.grpc, SCHEDULE, target.token, [_request()], at_once=1, answered=answered
        )
    return accepted


def _request() -> bytes:
    document = {
        "channel": "email",
        "template_key": TEMPLATE,
        "recipient": "ann@example.com",
        "brand_id": BRAND,
        "person_id": "ann",
        "dedup_key": uuid4().hex,
        "scheduled_at": datetime.now(UTC).isoformat(),
    }
    return json_format.ParseDict(
        document, message_service_pb2.ScheduleMessageRequest()
    ).SerializeToString()
