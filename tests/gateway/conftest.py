from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.config import Settings
from server.gateway.supervisor import Gateway
from tests.support.upstream import Upstream

ROOT = Path(__file__).resolve().parents[2]
MAX_REQUEST_BYTES = 1024 * 1024
TOKEN = {"authorization": "Bearer t"}
ADMISSION = 'local admission = require("admission")'
REST = 'local rest = require("rest")'
BYTEWISE = (
    'local bodies = require("bodies"); local read = bodies.read; '
    "bodies.read = function(reader, text) "
    'return (text:gsub(".", function(byte) return read(reader, byte) end)) end; '
)
"""How a body is cut up on its way is not a client's to say, so the gateway does it."""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on; all are held until the last is known, so that no two are the
    same."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def settings_in(data_dir: Path) -> Settings:
    rest, grpc = free_ports(2)
    return Settings(
        data_dir=data_dir,
        rest_port=rest,
        grpc_port=grpc,
        max_request_bytes=MAX_REQUEST_BYTES,
    )


def client_of(settings: Settings) -> httpx.AsyncClient:
    """A REST client of the gateway with these settings, and a token."""
    base_url = f"http://127.0.0.1:{settings.rest_port}"
    return httpx.AsyncClient(base_url=base_url, headers=TOKEN, timeout=10, trust_env=False)


def shortened_config(directory: Path, old: str, new: str) -> Path:
    """A directory to run Envoy from that differs from the repository in one place of
    `envoy.yaml`."""
    text = (ROOT / "envoy.yaml").read_text("utf-8")
    assert old in text
    (directory / "envoy.yaml").write_text(text.replace(old, new), "utf-8")
    for name in ("generated", "server"):
        (directory / name).symlink_to(ROOT / name)
    return directory


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_in(tmp_path_factory.mktemp("gateway"))


@pytest.fixture(scope="session")
async def running_upstream(settings: Settings) -> AsyncIterator[Upstream]:
    upstream = Upstream(max_receive_bytes=MAX_REQUEST_BYTES)
    await upstream.start(settings.grpc_port)
    yield upstream
    await upstream.stop()


@pytest.fixture(scope="session")
async def gateway(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    # The one number no test could wait for. Not so short that a busy machine needs longer for an
    # ordinary request.
    root = shortened_config(tmp_path_factory.mktemp("root"), "timeout: 60s", "timeout: 2s")
    gateway = Gateway(settings, config_root=root)
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture(scope="session")
async def bytewise(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """Another gateway of the same server, which reads bodies one byte at a time."""
    (rest,) = free_ports(1)
    own = settings.model_copy(
        update={
            "data_dir": tmp_path_factory.mktemp("own"),
            "rest_port": rest,
        }
    )
    root = shortened_config(tmp_path_factory.mktemp("bytewise"), REST, BYTEWISE + REST)
    gateway = Gateway(own, config_root=root)
    await gateway.start()
    yield own
    await gateway.stop()


@pytest.fixture
def upstream(running_upstream: Upstream) -> Upstream:
    """The server behind the gateway, with nothing said or heard yet."""
    for memory in (
        running_upstream.replies,
        running_upstream.streams,
        running_upstream.requests,
        running_upstream.metadata,
        running_upstream.judged,
    ):
        memory.clear()
    running_upstream.refusal = None
    return running_upstream


@pytest.fixture
async def rest(
    gateway: Gateway, upstream: Upstream, settings: Settings
) -> AsyncIterator[httpx.AsyncClient]:
    """A REST client of the gateway."""
    async with client_of(settings) as client:
        yield client


@pytest.fixture(params=["whole", "bytewise"])
async def reading_rest(
    request: pytest.FixtureRequest,
    gateway: Gateway,
    bytewise: Settings,
    upstream: Upstream,
    settings: Settings,
) -> AsyncIterator[httpx.AsyncClient]:
    """A REST client; the test runs once with bodies read as they come and once byte by byte."""
    async with client_of(settings if request.param == "whole" else bytewise) as client:
        yield client
