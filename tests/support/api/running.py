"""The whole service in this process, with real Envoy, and clients of its two ports."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx

from server.api.policies import all_scopes
from server.app import EVERYTHING, Part, Service
from server.channels.provider import Provider
from server.config import Settings
from tests.brands import create_brands
from tests.support.api.webhooks import SECRET
from tests.support.drift import assert_no_drift

CANARY_NUMBER = "+12025550199"


@dataclass
class Running:
    """A running service and clients of its two ports."""

    settings: Settings
    service: Service
    channel: grpc.aio.Channel
    http: httpx.AsyncClient
    _brands: set[str] = field(default_factory=set)

    def token(self, *brands: str, scopes: list[str] | None = None, subject: str = "tester") -> str:
        """A token for the brands, which exist then, with every scope unless told otherwise."""
        if new := set(brands) - self._brands:
            create_brands(self.settings.effective_database_url, new)
            self._brands |= new
            self.service.keys.email_secrets.update(dict.fromkeys(new, (SECRET,)))
        return self.service.keys.tokens.mint(
            subject, brands, all_scopes() if scopes is None else scopes
        )


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@asynccontextmanager
async def running_service(
    data_dir: Path,
    database_url: str = "",
    parts: frozenset[Part] = EVERYTHING,
    *,
    providers: Mapping[str, Provider] | None = None,
    web_push: Mapping[str, Any] | None = None,
    free_disk: Callable[[], int] | None = None,
    **more: Any,
) -> AsyncIterator[Running]:
    """A service on free ports, everything in one process, stopped at the end. `providers` replace
    those of the settings, `web_push` is how push services are reached, `free_disk` tells how many
    bytes are free."""
    rest, grpc_port = free_ports(2)
    if Part.DISPATCHER not in parts:
        # Nothing comes of what is sent there: its caller need not wait.
        more.setdefault("send_wait_seconds", 0)
        more.setdefault("sms_canary_seconds", 0)
    settings = Settings(
        data_dir=data_dir,
        database_url=database_url,
        rest_port=rest,
        grpc_port=grpc_port,
        **{"sms_canary_number": CANARY_NUMBER} | more,
    )
    service = Service(settings, parts, providers=providers, web_push=web_push, free_disk=free_disk)
    await service.start()
    try:
        async with (
            grpc.aio.insecure_channel(
                f"127.0.0.1:{grpc_port}", options=[("grpc.max_receive_message_length", -1)]
            ) as channel,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{rest}", timeout=60) as http,
        ):
            yield Running(settings, service, channel, http)
            if service.storage is not None:
                await assert_no_drift(service.storage)
    finally:
        await service.stop()
