"""Answers grpc.health.v1: whether a gateway should send calls to this server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

DatabaseAnswers = Callable[[], Awaitable[bool]]

INTERVAL = 1.0
"""Seconds between two questions to the database."""
PATIENCE = 2.0
"""Seconds without an answer after which it counts as gone. The question itself goes on, so that no
second one waits behind it."""


class Health:
    """Reports every service as SERVING while the database answers, and as NOT_SERVING once the
    server stops."""

    def __init__(self, names: Iterable[str], database_answers: DatabaseAnswers) -> None:
        self.servicer = HealthServicer()
        self._names = ("", *names)
        self._database_answers = database_answers
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Says SERVING, and from now on what the database makes of it."""
        await self._say(serving=True)
        self._watch = asyncio.create_task(self._follow_database(), name="health")

    async def stop(self) -> None:
        """Says NOT_SERVING, for good."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        await self.servicer.enter_graceful_shutdown()

    async def _follow_database(self) -> None:
        said, question = True, None
        try:
            while True:
                await asyncio.sleep(INTERVAL)
                question = question or asyncio.ensure_future(self._database_answers())
                answered, _ = await asyncio.wait([question], timeout=PATIENCE)
                answers = bool(answered) and question.result()
                question = None if answered else question
                if answers != said:
                    said = answers
                    await self._say(serving=answers)
        finally:
            if question is not None:
                question.cancel()

    async def _say(self, *, serving: bool) -> None:
        status = (
            health_pb2.HealthCheckResponse.SERVING
            if serving
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for name in self._names:
            await self.servicer.set(name, status)
