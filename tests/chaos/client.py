"""A caller who does not give up: asks again, under the same key, until the service has said yes, as
the service asks of its callers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

from tests.support.api.answers import to_json
from tests.support.api.callers import METHODS, full_path, refusal_in

RETRYABLE = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
)
PAUSE = 0.05
"""Seconds before a call is made again."""
PATIENCE = 60.0
"""Seconds after which a service that never says yes has failed: a message may be asked for a minute
after it was due, and no later."""
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


class Client:
    """Calls over gRPC with a token. A connection that breaks is no answer; an answer that says
    `later` is counted, then tried again."""

    def __init__(self, address: str, token: str, deadline: float = 10.0) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        self._token = token
        self._deadline = deadline
        self.refusals: Counter[tuple[int, str, str]] = Counter()
        """HTTP status, stable code and text of the answers that said `later`."""
        self.breaks = 0
        """Calls that got no answer."""
        self._refusal = asyncio.Event()

    async def call(
        self, name: str, request: Mapping[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        """The body of the answer that said yes. Raises AssertionError for an answer that says
        `never`, or when patience ends."""
        method = METHODS[name]
        message = json_format.ParseDict(
            dict(request), message_factory.GetMessageClass(method.input_type)()
        )
        invoke = self._channel.unary_unary(
            full_path(method),
            request_serializer=type(message).SerializeToString,
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        metadata = [
            ("authorization", f"Bearer {self._token}"),
            *([("idempotency-key", key)] if key else []),
        ]
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                answer: Message = await invoke(message, metadata=metadata, timeout=self._deadline)
            except grpc.aio.AioRpcError as error:
                self._count(error)
                await asyncio.sleep(PAUSE)
            else:
                body: dict[str, Any] = to_json(answer)
                return body
        raise AssertionError(f"{name} was not accepted within {PATIENCE} s")

    async def refused(self, times: int) -> None:
        """Returns when so many answers in all have said `later`."""
        while self.refusals.total() < times:
            self._refusal.clear()
            await self._refusal.wait()

    async def close(self) -> None:
        """Lets go of the connection."""
        await self._channel.close()

    def _count(self, error: grpc.aio.AioRpcError) -> None:
        assert error.code() in RETRYABLE, error
        if "grpc-status-details-bin" in dict(error.trailing_metadata() or ()):
            refusal = refusal_in(error)
            self.refusals[refusal.status, refusal.body["error"], refusal.body["message"]] += 1
            self._refusal.set()
        else:
            self.breaks += 1
