"""What an installation keeps to its owner: files, sockets, and the environment of its Envoy."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.gateway import admin
from server.gateway.errors import GatewayError
from server.runtime.privacy import tighten
from tests.support.carillon import Installation, admin_client

SECRETS = {
    "CARILLON_SMS_URL": "https://sms.example",
    "CARILLON_SMS_TOKEN": "hush-hush",
    "AWS_SECRET_ACCESS_KEY": "hush-hush",
}


def others_may(path: Path) -> int:
    return path.lstat().st_mode & 0o077


@dataclass
class Run:
    """What was seen of one run from start to stop, where everything is allowed to everybody that a
    program does not forbid itself."""

    installation: Installation
    while_running: set[Path]
    """What others might use of the data directory while it ran."""
    kept: set[str]
    left: set[Path]
    """The same after its end."""
    environment: bytes
    """Of Envoy."""
    listening: set[int]
    """Ports of Envoy."""
    admin_mode: int
    limits: list[int]
    """How many files the server and Envoy may open."""
    second: str
    """What a second gateway on the same directory says."""


@pytest.fixture(scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    installation = Installation(tmp_path_factory.mktemp("run"), settings=SECRETS)
    data = installation.directory / "var"
    before, limit = os.umask(0), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limit[1]))
    try:
        async with installation.running() as serving:
            pid, envoy = serving.process.pid, serving.envoy()
            sent = await installation.bash(serving.commands()[0])
            assert sent.status == 0, sent
            run = Run(
                installation,
                while_running={path for path in data.rglob("*") if others_may(path)},
                kept={path.name for path in data.rglob("*")},
                left=set(),
                environment=environment_of(envoy),
                listening=ports_of(envoy),
                admin_mode=installation.admin_socket.stat().st_mode & 0o777,
                limits=[resource.prlimit(each, resource.RLIMIT_NOFILE)[0] for each in (pid, envoy)],
                second=(await Installation(installation.directory).run("gateway")).complaint,
            )
            async with admin_client(installation.admin_socket) as page:
                assert (await page.get("/ready")).status_code == 200
            assert (await serving.stop(signal.SIGTERM)).status == 0
    finally:
        os.umask(before)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    run.left = {path for path in (data, *data.rglob("*")) if others_may(path)}
    return run


def test_everything_a_run_leaves_is_its_owners_alone(run: Run) -> None:
    assert run.kept >= {"carillon.db", "carillon.db-wal", "signing.pem", "envoy.log", "admin.sock"}
    assert run.while_running | run.left == set()


def test_envoy_gets_none_of_our_environment_but_what_it_needs(run: Run) -> None:
    assert b"PATH=" in run.environment
    assert b"hush-hush" not in run.environment


def test_envoys_admin_page_is_a_socket_of_its_owner_and_on_no_port(run: Run) -> None:
    assert run.admin_mode == 0o600
    assert run.listening == {run.installation.ports[0]}


def test_server_and_envoy_may_open_as_many_files_as_the_system_allows(run: Run) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert run.limits == [min(hard, 1_048_576)] * 2


def test_a_second_gateway_on_the_same_directory_is_one_clear_line(run: Run) -> None:
    assert run.second.startswith("CARILLON_DATA_DIR: another gateway is running in ")


def test_what_others_could_read_of_an_older_version_is_closed(tmp_path: Path) -> None:
    for name in ("carillon.db", "carillon.db-wal", "notes.txt", "elsewhere"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o644)
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox").chmod(0o755)
    (tmp_path / "keys").symlink_to(tmp_path / "elsewhere")
    tighten(tmp_path)
    left = {path.name for path in tmp_path.iterdir() if others_may(path)}
    assert left == {"notes.txt", "elsewhere", "keys"}


def test_a_directory_too_long_for_a_socket_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 108) / "envoy" / "admin.sock"
    with pytest.raises(GatewayError, match=r"^CARILLON_DATA_DIR: .* is too long for a Unix socket"):
        admin.require_free(path)


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def ports_of(pid: int) -> set[int]:
    """TCP ports that the process listens on."""
    links = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[1].rpartition(":")[2], 16)
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in links
    }
