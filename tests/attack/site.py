"""The service that is attacked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.app import Part
from server.config import Settings
from server.database import migrate_database
from tests.support.api.running import Running, running_service

IDLE = frozenset({Part.API, Part.GATEWAY})


@asynccontextmanager
async def attacked(directory: Path) -> AsyncIterator[Running]:
    """A service on SQLite without a dispatcher, so that what is written is the callers' doing."""
    await migrate_database(Settings(data_dir=directory))
    async with running_service(directory, parts=IDLE) as running:
        yield running
