"""Two API replicas, as on machines of their own, behind one gateway on one PostgreSQL: killed,
restarted, stopped under steady requests."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api.callers import RestCaller
from tests.support.api.scenes import put_template
from tests.support.carillon import Installation, Serving, admin_client

CLIENTS = 4
IN_A_YEAR = (datetime.now(UTC) + timedelta(days=365)).isoformat()
UNAVAILABLE = {
    "error": "unavailable",
    "message": "the service cannot answer now; try again with the same idempotency key",
}


@dataclass
class Service:
    """The installations, and clients of the gateway and of its admin page."""

    replicas: tuple[Installation, Installation]
    gateway: Installation
    rest: httpx.AsyncClient
    admin: httpx.AsyncClient

    async def until_healthy(self, *expected: bool) -> None:
        """Returns as soon as Envoy sees the replicas so."""
        while [
            not host["health_status"].get("failed_active_health_check")
            for host in await self._hosts()
        ] != list(expected):
            pass

    async def answered(self) -> list[int]:
        """How many requests each replica has answered."""
        return [
            next(
                int(stat.get("value", 0)) for stat in host["stats"] if stat["name"] == "rq_success"
            )
            for host in await self._hosts()
        ]

    async def _hosts(self) -> list[dict[str, Any]]:
        (cluster,) = (await self.admin.get("/clusters?format=json")).json()["cluster_statuses"]
        by_port = {
            host["address"]["socket_address"]["port_value"]: host
            for host in cluster["host_statuses"]
        }
        return [by_port[replica.ports[1]] for replica in self.replicas]


@dataclass
class Steady:
    """Clients that schedule one message after the other, and ask again for one that failed, as the
    answer says."""

    rest: httpx.AsyncClient
    accepted: dict[str, str] = field(default_factory=dict)
    """Ids of messages by dedup key."""
    failed: list[httpx.Response] = field(default_factory=list)
    _stopped: bool = False
    _progress: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def go_on(self, count: int) -> None:
        """Returns when so many more were accepted."""
        wanted = len(self.accepted) + count
        while len(self.accepted) < wanted:
            self._progress.clear()
            await self._progress.wait()

    def stop(self) -> None:
        self._stopped = True

    async def run(self) -> None:
        while not self._stopped:
            await self._schedule(f"message-{next(self._numbers)}")

    async def _schedule(self, key: str) -> None:
        message = {
            "brand_id": "acme", "channel": "email", "template_key": "hello", "person_id": "ann",
            "recipient": "ann@example.com",
            "dedup_key": key, "scheduled_at": IN_A_YEAR,
        }  # fmt: skip
        headers = {"idempotency-key": key}
        while (
            response := await self.rest.post("/v1/messages/schedule", json=message, headers=headers)
        ).status_code == 503:
            self.failed.append(response)
        assert response.status_code == 201, response.text
        self.accepted[key] = response.json()["id"]
        self._progress.set()


@asynccontextmanager
async def steady_requests(service: Service) -> AsyncIterator[Steady]:
    """Requests that do not end before the block does."""
    steady = Steady(service.rest)
    async with asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(steady.run())
        try:
            yield steady
        finally:
            steady.stop()


@pytest.fixture
async def service(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> AsyncIterator[Service]:
    """Migrated, with a template, the gateway running; the replicas are not."""
    url = new_postgres_database()
    installations = [Installation(tmp_path / name) for name in ("one", "two", "gateway")]
    for each in installations:
        each.directory.mkdir()
        each.settings["CARILLON_DATABASE_URL"] = url
    one, two, gateway = installations
    one.make_key()
    two.settings["CARILLON_SIGNING_KEY_FILE"] = str(one.directory / "var" / "keys" / "signing.pem")
    gateway.settings["CARILLON_API_ADDRESSES"] = f"{one.grpc},{two.grpc}"
    assert (await one.run("migrate")).status == 0
    assert (await one.run("brand", "create", "acme")).status == 0
    token = await one.token("acme")
    headers = {"authorization": f"Bearer {token}"}
    async with (
        gateway.running("gateway", "ready"),
        httpx.AsyncClient(base_url=gateway.rest, headers=headers, timeout=30) as rest,
        admin_client(gateway.admin_socket) as admin,
    ):
        yield Service((one, two), gateway, rest, admin)


async def started(stack: AsyncExitStack, *replicas: Installation) -> list[Serving]:
    """Running API replicas, started at once."""
    return await asyncio.gather(
        *(stack.enter_async_context(replica.running("api", "ready")) for replica in replicas)
    )


async def messages(service: Service) -> set[str]:
    """Ids of all messages there are."""
    found, page = set(), {"brand_id": "acme", "page_size": "200"}
    while True:
        answer = (await service.rest.get("/v1/messages", params=page)).json()
        found |= {message["id"] for message in answer["data"]}
        if not answer["next_page_token"]:
            return found
        page["page_token"] = answer["next_page_token"]


async def test_replicas_come_and_go_under_steady_requests(service: Service) -> None:
    async with AsyncExitStack() as stack:
        one, two = await started(stack, *service.replicas)
        await service.until_healthy(True, True)
        token = service.rest.headers["authorization"].removeprefix("Bearer ")
        await put_template(RestCaller(service.rest, token), "acme", key="hello", body="Hello")

        async with steady_requests(service) as steady:
            await steady.go_on(50)
            assert all(await service.answered()), "both take part"

            await two.stop(signal.SIGKILL)
            await steady.go_on(50)
            # What it had in work, and nothing more: every client had at most one request there.
            assert len(steady.failed) <= CLIENTS
            for response in steady.failed:
                assert (response.status_code, response.json()) == (503, UNAVAILABLE)
            await service.until_healthy(True, False)

            failed, before = len(steady.failed), (await service.answered())[1]
            (two,) = await started(stack, service.replicas[1])
            await service.until_healthy(True, True)
            while (await service.answered())[1] == before:
                await steady.go_on(1)

            ended = await one.stop(signal.SIGTERM)
            await steady.go_on(50)
            assert (ended.status, "Traceback" in ended.err) == (0, False)
            assert len(steady.failed) == failed, steady.failed[failed:]
        # Asked again or not: each was accepted once.
        assert await messages(service) == set(steady.accepted.values())
        assert len(set(steady.accepted.values())) == len(steady.accepted)
