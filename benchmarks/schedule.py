"""ScheduleMessage, durable, 64 at once: over gRPC beside an empty method of the same server, over
REST beside the same in FastAPI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from google.protobuf import json_format

from benchmarks import grpc_load, rest_load
from benchmarks.bench import Bench
from benchmarks.calls import TEMPLATE, service
from benchmarks.figures import Figure, at_least
from benchmarks.load import Load
from benchmarks.peers.fastapi_peer import running_fastapi
from benchmarks.service import BRAND, Target, running
from carillon.comms.v1 import message_service_pb2

SCHEDULE = "/carillon.comms.v1.MessageService/ScheduleMessage"
EMPTY = "/carillon.ops.v1.ProbeService/CheckLiveness"
FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
"""When the messages are due: the dispatcher stays out of the figure."""
WARM_UP = 4
"""The part of a burst that goes before the first."""
TARGET_GRPC = at_least(0.6)
TARGET_REST = at_least(2.0)


def over_grpc(bench: Bench) -> Iterator[Figure]:
    """Pairs of bursts on one server. The empty method verifies no token, which makes it harder to
    come near."""
    ours, empty = [], []
    with running() as target:
        _prepare(target)
        _schedule_burst(target, bench.sizes.calls // WARM_UP)
        for _ in range(bench.sizes.repeats):
            ours.append(_schedule_burst(target, bench.sizes.calls))
            empty.append(
                asyncio.run(
                    grpc_load.call_many(target.grpc, EMPTY, target.token, [b""] * bench.sizes.calls)
                )
            )
    yield Figure(
        "ScheduleMessage over gRPC, durable, 64 at once",
        "calls/s",
        [load.rate for load in ours],
        "empty method, same server",
        [load.rate for load in empty],
        TARGET_GRPC,
        notes=[_generator_note(empty)],
    )


def over_rest(bench: Bench) -> Iterator[Figure]:
    """Ours through Envoy; the peer without a gateway, and without tokens."""
    calls, missing = bench.sizes.peer_calls, bench.peers.missing_python
    ours, theirs = [], []
    with ExitStack() as stack:
        target = stack.enter_context(running())
        peer_url = (
            "" if missing else stack.enter_context(running_fastapi(bench.peers, bench.scratch))
        )
        _prepare(target)
        for burst in [calls // WARM_UP, *[calls] * bench.sizes.repeats]:
            ours.append(_rest_burst(f"{target.rest}/v1/messages/schedule", target.token, burst))
            if peer_url:
                theirs.append(_rest_burst(peer_url, "", burst))
    yield Figure(
        "ScheduleMessage over REST through Envoy, durable, 64 at once",
        "calls/s",
        [load.rate for load in ours[1:]],
        "FastAPI + SQLAlchemy + aiosqlite",
        [load.rate for load in theirs[1:]],
        TARGET_REST,
        missing,
        [_generator_note(ours)],
    )


def _prepare(target: Target) -> None:
    with service(target) as ready:
        ready.put_template("email")


def _schedule_burst(target: Target, calls: int) -> Load:
    requests = [
        _request(number, run).SerializeToString()
        for run in [uuid4().hex]
        for number in range(calls)
    ]
    return asyncio.run(grpc_load.call_many(target.grpc, SCHEDULE, target.token, requests))


def _rest_burst(url: str, token: str, calls: int) -> Load:
    run = uuid4().hex
    bodies = [json.dumps(_document(number, run)).encode() for number in range(calls)]
    return asyncio.run(
        rest_load.call_many(url, [rest_load.post(url, token, body) for body in bodies], 201)
    )


def _request(number: int, run: str) -> message_service_pb2.ScheduleMessageRequest:
    return json_format.ParseDict(
        _document(number, run), message_service_pb2.ScheduleMessageRequest()
    )


def _document(number: int, run: str) -> dict[str, object]:
    return {
        "channel": "email",
        "template_key": TEMPLATE,
        "recipient": f"ann.{number}@example.com",
        "brand_id": BRAND,
        "person_id": f"p{number}",
        "variables": {"news": "the autumn catalogue is here"},
        "dedup_key": f"{run}-{number}",
        "hipaa": False,
        "scheduled_at": FAR.isoformat(),
    }


def _generator_note(loads: list[Load]) -> str:
    share = max(load.generator_share for load in loads)
    return f"the load generator used {share:.0%} of a core at most"
