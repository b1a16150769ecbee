"""Keeps idle SMTP connections for the next message."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from server.channels.email.connection import SmtpConnection


@dataclass(slots=True)
class _Idle:
    connection: SmtpConnection
    until: float


class IdleConnections:
    """A stack of idle connections: the last one put back is taken first, so that those beyond the
    need grow old and are dropped."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._idle: list[_Idle] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self) -> SmtpConnection | None:
        """A connection that is not known to be closed, or None."""
        while self._idle:
            connection = self._idle.pop().connection
            if connection.usable:
                return connection
        return None

    def put_back(self, connection: SmtpConnection) -> None:
        """Keeps a connection whose last answer was read to its end."""
        if self._closed or not connection.usable:
            connection.quit()
            return
        loop = asyncio.get_running_loop()
        self._idle.append(_Idle(connection, loop.time() + self._idle_seconds))
        if self._timer is None:
            self._timer = loop.call_later(self._idle_seconds, self._drop_old)

    def close(self) -> None:
        """Says goodbye on all of them, and on those put back later."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle:
            self._idle.pop().connection.quit()

    def _drop_old(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        # The oldest are at the front.
        while self._idle and self._idle[0].until <= loop.time():
            self._idle.pop(0).connection.quit()
        if self._idle:
            self._timer = loop.call_at(self._idle[0].until, self._drop_old)
