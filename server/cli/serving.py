"""Runs one process of the service, from its start to the signal that ends it."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta

import click

from server.api.policies import default_scopes
from server.app import EVERYTHING, Part, Service
from server.config import Settings
from server.runtime import tuning as interpreter
from server.runtime.banner import ready_text
from server.runtime.descriptors import raise_limit
from server.runtime.logs import configure_logging
from server.runtime.privacy import tighten

QUICK_START = timedelta(hours=1)
"""How long the token in the printed commands is good."""


async def serve(settings: Settings, parts: frozenset[Part]) -> None:
    """Runs the parts until SIGINT or SIGTERM. Raises what starting them raises."""
    configure_logging(settings.log_level)
    raise_limit()
    tighten(settings.data_dir)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    service = Service(settings, parts)
    await service.start()
    try:
        if parts == EVERYTHING:
            click.echo(ready_text(settings, await _quick_start_token(service)))
        else:
            click.echo(f"carillon {', '.join(sorted(parts))} ready")
        interpreter.tune()
        await service.run_until(stop)
    finally:
        click.echo("stopping", err=True)
        await service.stop()


async def _quick_start_token(service: Service) -> str | None:
    """A token of an hour to try the demo brand with, for a person: on a terminal, and on the first
    start with it. None elsewhere, as where what is printed is kept in a log."""
    seeded = await service.seed() is not None
    return (
        await service.mint_for_demo(default_scopes(service.policies), QUICK_START)
        if seeded or sys.stdout.isatty()
        else None
    )
