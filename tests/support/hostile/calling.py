"""Calls every method with hostile messages, and holds the service to what no input may change."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

from tests.support.api.callers import METHODS, POLICIES, GrpcCaller, full_path, refusal_in
from tests.support.api.refusals import check_refusal
from tests.support.api.running import Running
from tests.support.api.untouched import Untouched, untouched_brand
from tests.support.hostile.changes import watching
from tests.support.hostile.messages import hostile_message

FRESH_EVERY = 1000
"""Calls after which the brand is another: those that succeed take things away."""
STREAM_SECONDS = 0.05
"""How long an accepted stream may have nothing to say."""


async def call_with_hostile_messages(running: Running, count: int, seed: int) -> Counter[int]:
    """Calls one method after another. Returns how often each HTTP status was answered.

    The service must have no dispatcher. Fails on an answer that blames the service, on a refusal
    that is not in the documented shape, and on one that wrote anything."""
    chance, methods, statuses = Random(seed), sorted(METHODS), Counter[int]()
    brand = await untouched_brand(running, "grpc")
    async with watching(running) as watch:
        for number in range(count):
            if number and number % FRESH_EVERY == 0:
                brand = await untouched_brand(running, "grpc")
            name = methods[number % len(methods)]
            data = hostile_message(_good(brand, name), chance)
            before = await watch.version()
            status = await _call(brand, name, data)
            statuses[status] += 1
            assert status < 500, (seed, number, name, status, data[:2000])
            assert status < 400 or await watch.version() == before, (
                seed,
                number,
                name,
                data[:2000],
            )
    return statuses


def _good(brand: Untouched, name: str) -> Message:
    method = METHODS[name]
    message: Message = message_factory.GetMessageClass(method.input_type)()
    request = {"token": "a.b"} if POLICIES[full_path(method)].public else brand.good(name)
    return json_format.ParseDict(request, message, ignore_unknown_fields=True)


async def _call(brand: Untouched, name: str, data: bytes) -> int:
    method = METHODS[name]
    assert isinstance(brand.api, GrpcCaller)
    channel: Any = brand.running.channel
    options: dict[str, Any] = {
        "metadata": (("authorization", f"Bearer {brand.api.token}"),),
        "timeout": 30,
    }
    try:
        if method.server_streaming:
            stream = channel.unary_stream(full_path(method))(data, **options)
            try:
                await asyncio.wait_for(anext(aiter(stream)), STREAM_SECONDS)
            except TimeoutError:
                pass
            finally:
                stream.cancel()
        else:
            await channel.unary_unary(full_path(method))(data, **options)
    except grpc.aio.AioRpcError as error:
        answer = refusal_in(error)
        check_refusal(answer.body, {})
        return answer.status
    return 200
