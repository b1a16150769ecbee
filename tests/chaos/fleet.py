"""Processes of Carillon: started, killed, stopped and continued as an operating system or an
operator would."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from server.api.policies import all_scopes
from server.config import Settings
from server.domain.clock import SystemClock
from server.identity.tokens import tokens_of
from tests.support.carillon import READY, Installation, Serving

READY_LINES = {"serve": READY}


@dataclass
class Member:
    """One process, and those that come after it in its place."""

    command: str
    installation: Installation
    serving: Serving | None = None
    kills: list[float] = field(default_factory=list)
    """Instants, in seconds since 1970, at which it was killed."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Returns when it says that it is ready."""
        running = self.installation.running(self.command, READY_LINES.get(self.command, "ready"))
        self.serving = await self._stack.enter_async_context(running)

    async def kill(self) -> float:
        """SIGKILL; the instant of it. Returns when the process is gone."""
        assert self.serving is not None
        at = time.time()
        await self.serving.stop(signal.SIGKILL)
        self.kills.append(at)
        await self.close()
        return at

    def freeze(self) -> None:
        """SIGSTOP: it stands still and does not know."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def end(self) -> int | None:
        """SIGTERM; the exit status."""
        assert self.serving is not None
        ended = await self.serving.stop(signal.SIGTERM)
        await self.close()
        return ended.status

    async def close(self) -> None:
        """Kills it if it runs."""
        await self._stack.aclose()
        self.serving = None

    def _signal(self, number: signal.Signals) -> None:
        assert self.serving is not None
        self.serving.process.send_signal(number)


class Fleet:
    """Processes with one data directory and one database."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.directory = directory
        self.settings = settings
        self.members: list[Member] = []

    @property
    def database_url(self) -> str:
        """Where their database is."""
        return (
            self.settings.get("CARILLON_DATABASE_URL")
            or f"sqlite:///{self.directory / 'var' / 'carillon.db'}"
        )

    def token(self, brand: str) -> str:
        """A token for a brand, with every scope."""
        data = self.directory / "var"
        data.mkdir(mode=0o700, exist_ok=True)
        tokens = tokens_of(Settings(data_dir=data), SystemClock(), may_create=True)
        return tokens.mint("chaos", [brand], all_scopes())

    async def start(self, command: str) -> Member:
        """One more process."""
        log = self.directory / f"{command}-{len(self.members)}.log"
        member = Member(command, Installation(self.directory, settings=self.settings, errors=log))
        self.members.append(member)
        await member.start()
        return member

    def complaints(self) -> str:
        """What they wrote to standard error."""
        return "".join(path.read_text("utf-8") for path in sorted(self.directory.glob("*.log")))


@asynccontextmanager
async def fleet_in(directory: Path, **settings: str) -> AsyncIterator[Fleet]:
    """An empty fleet in an empty directory; whatever still runs at the end is killed. Settings are
    named as in carillon.toml."""
    fleet = Fleet(
        directory, {f"CARILLON_{name.upper()}": value for name, value in settings.items()}
    )
    try:
        yield fleet
    finally:
        for member in fleet.members:
            await member.close()
