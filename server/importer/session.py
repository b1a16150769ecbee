"""Runs an import into a service, and shows how it goes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from server.config import Settings
from server.domain.clock import SystemClock
from server.identity.tokens import tokens_of
from server.importer.client import people_service
from server.importer.run import Order, run_import
from server.importer.view import BarView, LineView, counted

SOME_REJECTED = 2
"""Exit code when everything was read and some rows were not put."""
INTERRUPTED = 130
_SCOPES = ("write:people", "write:consents")


def import_into(address: str, brand: str, token: str, order: Order, ca: Path | None = None) -> int:
    """Puts the people of `order` into the service at `address` (host:port), by TLS with the
    authorities in `ca`. The exit code. Raises ImportStopped."""
    started = time.monotonic()
    view = BarView() if sys.stderr.isatty() else LineView(time.monotonic)
    try:
        with (
            people_service(
                address, brand, token, None if ca is None else ca.read_bytes()
            ) as service,
            view,
        ):
            summary = run_import(order, service, view, time.sleep)
    except KeyboardInterrupt:
        return INTERRUPTED
    seconds = time.monotonic() - started
    where = f" (see {summary.rejects})" if summary.counts.rejected else ""
    click.echo(
        f"{counted(summary.counts)}{where}; {seconds:.1f} s, {summary.rows_now / seconds:,.0f} "
        f"rows/s"
    )
    return SOME_REJECTED if summary.counts.rejected else 0


def token_for(brand: str, settings: Settings, file: Path | None) -> str:
    """The token in `file`, or one of this installation's key. Raises ConfigError if there is
    none."""
    if file is not None:
        return file.read_text("utf-8").strip()
    return tokens_of(settings, SystemClock(), may_create=False).mint("import", [brand], _SCOPES)
