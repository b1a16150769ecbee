"""Several servers behind one Envoy: who gets a request, and what becomes of it when a server
goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from carillon.ops.v1 import probe_service_pb2
from server.api.transport import PING_INTERVAL_MS
from server.config import Settings
from server.gateway.supervisor import Gateway
from tests.gateway.conftest import ROOT, TOKEN, free_ports, shortened_config
from tests.support.carillon import admin_client
from tests.support.upstream import Context, Upstream

LIVENESS = "carillon.ops.v1.ProbeService/CheckLiveness"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA_FRAME = 0
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
UNAVAILABLE = {
    "error": "unavailable",
    "message": "the service cannot answer now; try again with the same idempotency key",
}


@dataclass
class Replica:
    """A server that counts its calls, and holds them back when told so."""

    port: int
    upstream: Upstream = field(default_factory=Upstream)
    calls: int = 0
    holds: bool = False
    """Whether it begins calls without ending them."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.upstream.replies[LIVENESS] = self._answer
        await self.upstream.start(self.port)

    async def _answer(
        self, _request: Any, _context: Context
    ) -> probe_service_pb2.CheckLivenessResponse:
        self.calls += 1
        self.arrived.set()
        if self.holds:
            await self.let_go.wait()
        return probe_service_pb2.CheckLivenessResponse(status="ok")


@dataclass
class Cluster:
    """Two replicas behind a gateway, a REST client, and what Envoy thinks of them."""

    replicas: list[Replica]
    rest: httpx.AsyncClient
    admin: httpx.AsyncClient

    async def until_healthy(self, *expected: bool) -> None:
        """Returns as soon as Envoy sees the replicas so."""
        while await self._healthy() != list(expected):
            pass

    async def _healthy(self) -> list[bool]:
        (cluster,) = (await self.admin.get("/clusters?format=json")).json()["cluster_statuses"]
        healthy = {
            host["address"]["socket_address"]["port_value"]
            for host in cluster["host_statuses"]
            if "failed_active_health_check" not in host["health_status"]
        }
        return [replica.port in healthy for replica in self.replicas]

    async def retries(self) -> int:
        """How often Envoy has tried another replica."""
        name = "cluster.grpc.upstream_rq_retry"
        return int(
            (await self.admin.get("/stats", params={"filter": f"^{name}$"})).text.removeprefix(
                f"{name}: "
            )
        )

    async def statuses(self, count: int) -> Counter[int]:
        """Statuses of so many requests, one after the other."""
        return Counter([(await self.rest.get("/healthz")).status_code for _ in range(count)])


@asynccontextmanager
async def running_cluster(
    data_dir: Path, *, count: int = 2, host: str = "127.0.0.1"
) -> AsyncIterator[Cluster]:
    rest, *ports = free_ports(1 + count)
    replicas = [Replica(port) for port in ports]
    settings = Settings(
        data_dir=data_dir,
        rest_port=rest,
        api_addresses=",".join(f"{host}:{port}" for port in ports),
    )
    gateway = Gateway(settings, config_root=ROOT)
    try:
        for replica in replicas:
            await replica.start()
        await gateway.start()
        async with (
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{rest}", headers=TOKEN, timeout=10, trust_env=False
            ) as rest_client,
            admin_client(gateway.admin_socket) as admin,
        ):
            cluster = Cluster(replicas, rest_client, admin)
            await cluster.until_healthy(*[True] * count)
            yield cluster
    finally:
        await gateway.stop()
        for replica in replicas:
            await replica.upstream.stop()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path) as running:
        yield running


async def held(
    cluster: Cluster, replica: Replica, count: int
) -> list[asyncio.Task[httpx.Response]]:
    """Requests that the replica has begun and holds back; no other replica may be healthy."""
    replica.holds = True
    requests = [asyncio.create_task(cluster.rest.get("/healthz")) for _ in range(count)]
    while replica.calls < count:
        replica.arrived.clear()
        await replica.arrived.wait()
    replica.holds = False
    return requests


async def test_replicas_without_anything_in_work_take_turns(cluster: Cluster) -> None:
    while not all(replica.calls for replica in cluster.replicas):
        assert (await cluster.rest.get("/healthz")).status_code == 200


async def test_the_replica_with_fewer_requests_in_work_gets_more_of_the_next(
    cluster: Cluster,
) -> None:
    busy, idle = cluster.replicas
    await idle.upstream.say(serving=False)
    await cluster.until_healthy(True, False)
    in_work = await held(cluster, busy, 10)
    await idle.upstream.say(serving=True)
    await cluster.until_healthy(True, True)
    try:
        # Three of four are expected, for Envoy draws two by lot and takes the better one; a half
        # and less comes once in 60,000 runs.
        assert await cluster.statuses(60) == {200: 60}
        assert idle.calls > 30
    finally:
        busy.let_go.set()
        await asyncio.gather(*in_work)


async def test_a_replica_that_is_not_serving_gets_no_request_until_it_is_again(
    tmp_path: Path,
) -> None:
    async with running_cluster(tmp_path, count=3) as cluster:
        one, two, three = cluster.replicas
        # Even if only one of three is left.
        for replica in (one, three):
            await replica.upstream.say(serving=False)
        await cluster.until_healthy(False, True, False)
        assert await cluster.statuses(20) == {200: 20}
        assert (one.calls, two.calls, three.calls) == (0, 20, 0)
        await one.upstream.say(serving=True)
        await cluster.until_healthy(True, True, False)
        while not one.calls:
            assert (await cluster.rest.get("/healthz")).status_code == 200


async def test_while_no_replica_is_serving_they_are_asked_all_the_same(cluster: Cluster) -> None:
    for replica in cluster.replicas:
        await replica.upstream.say(serving=False)
    await cluster.until_healthy(False, False)
    assert await cluster.statuses(5) == {200: 5}


async def test_a_replica_that_just_went_costs_no_request_that_did_not_reach_it(
    cluster: Cluster,
) -> None:
    one, two = cluster.replicas
    assert await cluster.statuses(10) == {200: 10}
    await one.upstream.stop()
    # Envoy has not asked for its health meanwhile, or not often enough, and the one that is left is
    # always the busier one.
    requests = [asyncio.create_task(cluster.statuses(20)) for _ in range(8)]
    assert await asyncio.gather(*requests) == [{200: 20}] * 8
    assert await cluster.retries() > 0
    assert two.calls >= 160


@pytest.mark.parametrize("grace", [None, 0.1])
async def test_what_a_replica_began_is_not_asked_of_another_when_it_ends(
    cluster: Cluster, grace: float | None
) -> None:
    one, two = cluster.replicas
    await two.upstream.say(serving=False)
    await cluster.until_healthy(True, False)
    in_work = await held(cluster, one, 20)
    await two.upstream.say(serving=True)
    await cluster.until_healthy(True, True)
    await one.upstream.stop(grace)
    for response in await asyncio.gather(*in_work):
        assert (response.status_code, response.json()) == (503, UNAVAILABLE)
    assert (one.calls, two.calls) == (20, 0)


@asynccontextmanager
async def in_front_of(
    peer: Peer, data_dir: Path, config_root: Path = ROOT
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose only replica does with a connection whatever it likes."""
    rest, port = free_ports(2)
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await peer(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    settings = Settings(data_dir=data_dir, rest_port=rest, api_addresses=f"127.0.0.1:{port}")
    gateway = Gateway(settings, config_root=config_root)
    try:
        await gateway.start()
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{rest}", headers=TOKEN, timeout=30, trust_env=False
        ) as client:
            yield client
    finally:
        await gateway.stop()
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


async def test_a_request_that_has_left_is_not_sent_again_when_the_connection_breaks(
    tmp_path: Path,
) -> None:
    arrived = 0

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await reader.readexactly(len(PREFACE))
        while True:
            # RFC 9113, 4.1: length, type, flags, stream.
            head = await reader.readexactly(9)
            length, kind = int.from_bytes(head[:3], "big"), head[3]
            await reader.readexactly(length)
            # Health checks are smaller.
            if kind == DATA_FRAME and length > 1000:
                arrived += 1
                writer.transport.abort()

    async with in_front_of(breaks, tmp_path) as rest:
        response = await rest.post("/v1/messages/schedule", json={"brand_id": "b" * 1000})
    assert (response.status_code, response.json()) == (503, UNAVAILABLE)
    assert arrived == 1


async def test_a_machine_that_went_silent_costs_seconds_not_the_requests_timeout(
    tmp_path: Path,
) -> None:
    async def says_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass

    root = tmp_path / "root"
    root.mkdir()
    config_root = shortened_config(
        root, "interval: 5s, timeout: 3s", "interval: 0.2s, timeout: 0.2s"
    )
    async with in_front_of(says_nothing, tmp_path, config_root) as rest:
        response = await rest.get("/healthz")
    # And not 504.
    assert (response.status_code, response.json()) == (503, UNAVAILABLE)


async def test_a_replica_can_be_given_by_name(tmp_path: Path) -> None:
    async with running_cluster(tmp_path, host="localhost") as cluster:
        assert await cluster.statuses(10) == {200: 10}


def number_of(text: str) -> float:
    """Seconds of a duration as Envoy writes it."""
    return float(text.removesuffix("s"))


def upstream_cluster() -> dict[str, Any]:
    (cluster,) = yaml.safe_load((ROOT / "envoy.yaml").read_text("utf-8"))["static_resources"][
        "clusters"
    ]
    found: dict[str, Any] = cluster
    return found


def test_a_stopping_server_drains_longer_than_envoy_needs_to_notice() -> None:
    (check,) = upstream_cluster()["health_checks"]
    assert number_of(check["interval"]) + number_of(check["timeout"]) < Settings().drain_seconds
    assert check["no_traffic_interval"] == check["interval"]


def test_the_server_allows_the_pings_of_the_gateway() -> None:
    (options,) = upstream_cluster()["typed_extension_protocol_options"].values()
    keepalive = options["explicit_http_config"]["http2_protocol_options"]["connection_keepalive"]
    assert number_of(keepalive["interval"]) * 1000 > PING_INTERVAL_MS
