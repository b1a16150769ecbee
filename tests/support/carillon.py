"""The `carillon` command as a person or a script runs it: a process of its own, in a directory of
its own."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from server.config import Settings
from server.identity.key_store import signing_keys
from tests.support.api.running import free_ports

COMMAND = (sys.executable, "-m", "server")
REPOSITORY = Path(__file__).resolve().parents[2]
READY = "Ctrl-C stops everything."


@dataclass
class Installation:
    """A working directory with ports of its own."""

    directory: Path
    ports: list[int] = field(default_factory=lambda: free_ports(2))
    settings: dict[str, str] = field(default_factory=dict)
    errors: Path | None = None
    """Where a command that keeps running writes standard error; a pipe nobody reads would stop one
    that complains a lot."""

    @property
    def rest(self) -> str:
        """Base of the REST API."""
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def grpc(self) -> str:
        """Address of the gRPC API."""
        return f"127.0.0.1:{self.ports[1]}"

    @property
    def admin_socket(self) -> Path:
        """Where Envoy's admin page is."""
        return self.directory / "var" / "envoy" / "admin.sock"

    @property
    def environment(self) -> dict[str, str]:
        """The test's own environment without Carillon's settings, and these."""
        names = ("CARILLON_REST_PORT", "CARILLON_GRPC_PORT")
        ours = (
            {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/generated"}
            | dict(zip(names, map(str, self.ports), strict=True))
            | self.settings
        )
        return {
            name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")
        } | ours

    async def run(self, *arguments: str) -> Ended:
        """Runs a command to its end."""
        process = await self._start(*arguments)
        out, err = await process.communicate()
        return Ended(process.returncode, out.decode(), err.decode())

    async def token(self, brand: str) -> str:
        """A token for the brand, as the command prints it; needs the key that the service has."""
        ended = await self.run("token", "--brand", brand)
        assert ended.status == 0, ended
        return ended.out.strip()

    def make_key(self) -> None:
        """A signing key, as an operator brings it before the first start."""
        signing_keys(Settings(data_dir=self.directory / "var"), may_create=True)

    async def bash(self, script: str) -> Ended:
        """Pastes a script into a shell in the directory."""
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, cwd=self.directory, env=self.environment, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        return Ended(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def running(
        self, command: str = "serve", ready: str = READY, *, terminal: bool = False
    ) -> AsyncIterator[Serving]:
        """A command that keeps running, from when it says it is ready; killed at the end if it
        still runs. `terminal`: what it prints to is one."""
        with ExitStack() as files:
            errors = PIPE if self.errors is None else files.enter_context(self.errors.open("ab"))
            if terminal:
                shown, output = await _terminal(files)
                process = await self._start(command, output=output, errors=errors)
            else:
                process = await self._start(command, errors=errors)
                assert process.stdout is not None
                shown = process.stdout
        serving = Serving(process, shown)
        try:
            await serving.read_until(ready)
            yield serving
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def _start(
        self, *arguments: str, output: IO[bytes] | int = PIPE, errors: IO[bytes] | int = PIPE
    ) -> Process:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            cwd=self.directory,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )


async def _terminal(files: ExitStack) -> tuple[asyncio.StreamReader, IO[bytes]]:
    """What a terminal shows, and the side of it that programs write to, which is closed with
    `files`."""
    shown, output = os.openpty()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(shown, "rb", 0)
    )
    return reader, files.enter_context(os.fdopen(output, "wb", 0))


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    status: int | None
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line a command that cannot work says; nothing else, and exit status 1."""
        assert (self.status, self.out) == (1, ""), self
        assert self.err.startswith("carillon: "), self.err
        (line,) = self.err.splitlines()
        return line.removeprefix("carillon: ")


@dataclass
class Serving:
    """A command that is running."""

    process: Process
    shown: asyncio.StreamReader
    printed: str = ""

    async def read_until(self, text: str) -> None:
        """Reads what it prints until a line has the text. Fails if it ends before."""
        while text not in self.printed:
            line = await self.shown.readline()
            assert line, f"ended: {self.printed}"
            self.printed += line.decode()

    def commands(self) -> list[str]:
        """The commands it printed to paste: paragraphs that start with the name of a program."""
        paragraphs = self.printed.split("\n\n")
        return [
            paragraph
            for paragraph in paragraphs
            if paragraph.split(" ")[0].strip() in ("curl", "grpcurl", "tail")
        ]

    def envoy(self) -> int:
        """Process id of its Envoy."""
        children = (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        )
        (child,) = [
            int(each) for each in children if b"envoy" in Path(f"/proc/{each}/cmdline").read_bytes()
        ]
        return child

    async def stop(self, number: signal.Signals) -> Ended:
        """Sends a signal and waits for the end."""
        self.process.send_signal(number)
        out, err = await self.process.communicate()
        return Ended(
            self.process.returncode, self.printed + (out or b"").decode(), (err or b"").decode()
        )


def admin_client(path: Path) -> httpx.AsyncClient:
    """A client of the admin page of Envoy on this socket."""
    return httpx.AsyncClient(
        base_url="http://envoy", transport=httpx.AsyncHTTPTransport(uds=str(path))
    )


@contextmanager
def watching(pid: int) -> Iterator[Departure]:
    """Watches a process that is not our child."""
    descriptor = os.pidfd_open(pid)
    try:
        yield Departure(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Departure:
    """The end of a process, by its pidfd: readable once it has ended."""

    descriptor: int

    def has_happened(self) -> bool:
        """Whether it has ended."""
        return bool(select.select([self.descriptor], [], [], 0)[0])

    async def happens(self) -> None:
        """Returns when it has ended."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self.descriptor)


def is_free(port: int) -> bool:
    """Whether somebody could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def processes_of(directory: Path) -> list[int]:
    """Processes that have the directory in their command line, or are in it."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            named = str(directory).encode() in (process / "cmdline").read_bytes()
            inside = (process / "cwd").readlink().is_relative_to(directory)
        except OSError:
            continue
        if named or inside:
            found.append(int(process.name))
    return found
