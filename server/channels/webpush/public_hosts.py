"""Connects to hosts of the public internet alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpcore

from server.domain.contacts.push_subscriptions import is_public

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The IP addresses of a host, best first. Raises OSError."""


class NotPublic(Exception):
    """The host has no address of the public internet."""


async def resolve(host: str, port: int) -> list[str]:
    """Asks the resolver of the system. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class PublicHosts(httpcore.AsyncNetworkBackend):
    """Opens connections of the HTTP client.

    The address that was judged is the one that is connected to, so a name that stands for another
    one a moment later gains nothing; TLS still verifies the name."""

    def __init__(
        self, resolve: Resolve = resolve, allows: Callable[[str], bool] = is_public
    ) -> None:
        self._resolve = resolve
        self._allows = allows
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises NotPublic, OSError, and what the client's own backend raises."""
        addresses = [each for each in await self._resolve(host, port) if self._allows(each)]
        if not addresses:
            raise NotPublic
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError:
                continue
        return await self._backend.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        """Waits between tries of the HTTP client."""
        await self._backend.sleep(seconds)
