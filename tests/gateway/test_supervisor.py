"""Envoy as a child: it comes up, stays up, and never outlives its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from carillon.ops.v1 import probe_service_pb2
from server.config import Settings
from server.gateway import admin, bootstrap, ports
from server.gateway.errors import GatewayError
from server.gateway.supervisor import Gateway
from tests.gateway.conftest import ROOT, settings_in
from tests.support.upstream import Context, Upstream

PARENT = """
import asyncio, sys
from pathlib import Path
from server.config import Settings
from server.gateway.supervisor import Gateway

async def main() -> None:
    data_dir, rest, grpc, root = sys.argv[1:]
    ports = {"rest_port": int(rest), "grpc_port": int(grpc)}
    settings = Settings(data_dir=Path(data_dir), **ports)
    gateway = Gateway(settings, config_root=Path(root))
    await gateway.start()
    print(gateway.pid, flush=True)
    await gateway.wait()

asyncio.run(main())
"""


async def status_of(settings: Settings) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{settings.rest_port}/nope")).status_code


async def refused(port: int) -> None:
    """Returns as soon as nobody listens on the port."""
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            # A listener that is being closed resets what it had not accepted yet.
            with contextlib.suppress(ConnectionResetError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()


async def test_it_answers_when_start_returns_and_frees_its_ports_when_stop_returns(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    gateway = Gateway(settings, config_root=ROOT)
    await gateway.start()
    assert (gateway.ready, await status_of(settings)) == (True, 404)
    await gateway.stop()
    assert (gateway.ready, gateway.pid) == (False, None)
    ports.require_free("127.0.0.1", settings.rest_port, "CARILLON_REST_PORT")
    admin.require_free(gateway.admin_socket)
    await gateway.stop()


async def test_it_starts_envoy_again_when_it_dies(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    gateway = Gateway(settings, config_root=ROOT, backoff=(0.0,))
    await gateway.start()
    try:
        first = gateway.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(20):
            while gateway.pid in (first, None):  # noqa: ASYNC110  # the pid is the only sign
                await asyncio.sleep(0)
            await gateway.wait_until_ready()
        assert await status_of(settings) == 404
    finally:
        await gateway.stop()


async def test_an_envoy_that_does_not_come_up_again_is_given_up(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    gateway = Gateway(settings, config_root=ROOT, backoff=(0.0, 0.0))
    await gateway.start()
    try:
        (tmp_path / "envoy" / bootstrap.CONFIG_FILE).write_text("not a configuration", "utf-8")
        assert gateway.pid is not None
        os.kill(gateway.pid, signal.SIGKILL)
        with pytest.raises(GatewayError, match=r"was given up; see .*envoy.log"):
            await asyncio.wait_for(gateway.wait(), 20)
        assert not gateway.ready
    finally:
        await gateway.stop()


async def test_wait_returns_when_it_is_stopped(tmp_path: Path) -> None:
    gateway = Gateway(settings_in(tmp_path), config_root=ROOT)
    await gateway.start()
    waiting = asyncio.create_task(gateway.wait())
    await asyncio.sleep(0)
    await gateway.stop()
    await asyncio.wait_for(waiting, 5)


async def test_a_taken_port_is_one_clear_line_that_names_port_and_setting(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.rest_port))
        other.listen()
        line = (
            f"CARILLON_REST_PORT: port {settings.rest_port} on 127.0.0.1 is already in use; stop "
            f"what uses it or set another port"
        )
        with pytest.raises(GatewayError, match=f"^{re.escape(line)}$"):
            await Gateway(settings, config_root=ROOT).start()


async def test_a_configuration_envoy_refuses_is_one_clear_line(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    broken = (
        (ROOT / "envoy.yaml")
        .read_text("utf-8")
        .replace("generated/descriptor.binpb", "nowhere.binpb")
    )
    (root / "envoy.yaml").write_text(broken, "utf-8")
    gateway = Gateway(settings_in(tmp_path), config_root=root)
    with pytest.raises(
        GatewayError, match=r"^Envoy ended with status 1 while starting; see .*envoy\.log$"
    ):
        await gateway.start()
    assert gateway.pid is None


async def test_a_request_in_work_is_finished_before_envoy_ends_and_none_follows_on_its_connection(
    tmp_path: Path,
) -> None:
    settings, upstream, arrived, go_on = (
        settings_in(tmp_path),
        Upstream(),
        asyncio.Event(),
        asyncio.Event(),
    )

    async def reply(_request: object, _context: Context) -> probe_service_pb2.CheckLivenessResponse:
        arrived.set()
        await go_on.wait()
        return probe_service_pb2.CheckLivenessResponse(status="ok")

    upstream.replies["carillon.ops.v1.ProbeService/CheckLiveness"] = reply
    gateway = Gateway(settings, config_root=ROOT)
    async with AsyncExitStack() as cleanup:
        await upstream.start(settings.grpc_port)
        cleanup.push_async_callback(upstream.stop)
        await gateway.start()
        cleanup.push_async_callback(gateway.stop)
        client = await cleanup.enter_async_context(httpx.AsyncClient(trust_env=False))
        request = asyncio.create_task(client.get(f"http://127.0.0.1:{settings.rest_port}/healthz"))
        await arrived.wait()
        stopping = asyncio.create_task(gateway.stop())
        await refused(settings.rest_port)
        go_on.set()
        response = await request
        assert (response.json(), response.headers["connection"]) == ({"status": "ok"}, "close")
        await stopping


async def test_envoy_dies_with_a_parent_that_is_killed_and_frees_its_ports(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    arguments = [
        str(settings.data_dir),
        str(settings.rest_port),
        str(settings.grpc_port),
        str(ROOT),
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "generated")))}
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, *arguments, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), 20))
    watched = os.pidfd_open(pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(watched, ended.set)
    try:
        parent.kill()
        await parent.wait()
        await asyncio.wait_for(ended.wait(), 10)
    finally:
        asyncio.get_running_loop().remove_reader(watched)
        os.close(watched)
    ports.require_free("127.0.0.1", settings.rest_port, "CARILLON_REST_PORT")
