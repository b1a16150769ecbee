"""The `carillon` command."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Coroutine
from datetime import timedelta
from importlib.metadata import version as installed_version
from typing import Any, NoReturn, TypeVar

import click

from server import interpreter
from server.api.policies import all_scopes, default_scopes, is_of_operators
from server.app import EVERYTHING, Part, PortTaken, Service, migrate_database, prune_database, release_database
from server.banner import ready_text
from server.config import MAX_DAYS, SECRETS, ConfigError, Settings, load
from server.demo import BRAND
from server.domain.clock import SystemClock
from server.gateway.errors import GatewayError
from server.hold_client import NotReleased
from server.importer.command import import_people
from server.logs import configure_logging
from server.tokens import LIFETIME, Tokens, fingerprint, signing_key
from storage.errors import StorageError

T = TypeVar("T")

QUICK_START = timedelta(hours=1)
"""How long the token in the printed commands is good."""

EXPECTED = (ConfigError, StorageError, PortTaken, GatewayError, NotReleased)
"""Failures whose text is for the operator; anything else is a fault and shows its traceback."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Carillon sends campaigns and messages, once each, and accounts for every one.

    Start with `carillon serve`: it needs nothing else and prints commands to try. Settings come from CARILLON_* in the environment and from
    carillon.toml in the current directory; `carillon check-config` shows them.
    """


@main.command()
def serve() -> None:
    """Run everything in one process: API, dispatcher and gateway.

    Migrates the database first, and fills an empty one with the brand `demo`.
    """
    _run(_serve(_settings(), EVERYTHING))


@main.command()
def api() -> None:
    """Run the gRPC API alone. Needs a migrated PostgreSQL, shared with dispatchers."""
    _run(_serve(_settings(), frozenset({Part.API})))


@main.command()
def dispatcher() -> None:
    """Run the dispatcher alone. Needs a migrated PostgreSQL, shared with the API."""
    _run(_serve(_settings(), frozenset({Part.DISPATCHER})))


@main.command()
def gateway() -> None:
    """Run Envoy alone: REST on CARILLON_REST_PORT, for the replicas in CARILLON_API_ADDRESSES."""
    _run(_serve(_settings(), frozenset({Part.GATEWAY})))


@main.command()
def migrate() -> None:
    """Bring the database's schema to this version. Safe to run again, and by several at once."""
    settings = _settings()
    _run(migrate_database(settings))
    click.echo("the database is up to date")


@main.command()
@click.option(
    "--days", type=click.IntRange(1, MAX_DAYS), help="Days that messages are kept after they ended. Default: CARILLON_RETENTION_DAYS."
)
def prune(days: int | None) -> None:
    """Delete messages that ended long ago, and old answers to idempotency keys.

    Dispatchers do so by themselves, once a day. On PostgreSQL this runs beside them; the embedded database has to be out of use.
    """
    settings = _settings()
    kept = settings.retention_days if days is None else days
    pruned = _run(prune_database(settings, kept))
    click.echo(f"deleted {pruned.messages} messages and {pruned.answers} answers to idempotency keys")
    if not kept:
        click.echo("CARILLON_RETENTION_DAYS is 0, so messages are kept: --days says otherwise", err=True)


@main.command()
@click.option("--i-understand", is_flag=True, help="People may get a message for the second time.")
def release(i_understand: bool) -> None:
    """Let delivery go on after the database was put back to an earlier state.

    A restored database holds messages as pending that have gone out since it was copied, so dispatchers hold everything. Find out what went
    out, cancel what shall not go again, and then release: what is pending is sent. Works beside a running service, and without one.
    """
    if not i_understand:
        raise click.UsageError("what went out before the database was put back may go out again: say --i-understand")
    settings = _settings()
    released = _run(release_database(settings))
    click.echo("delivery goes on" if released else "delivery was not held")


@main.command()
@click.option("--brand", "brands", multiple=True, help="Brand the token may act for; may be given again. An operator's needs none.")
@click.option("--scope", "scopes", multiple=True, help="Scope to allow; may be given again. Default: all but the operators' admin:….")
@click.option("--subject", default="cli", show_default=True, help="Who the token stands for; becomes created_by.")
@click.option(
    "--hours", default=LIFETIME.total_seconds() / 3600, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Lifetime."
)
def token(brands: tuple[str, ...], scopes: tuple[str, ...], subject: str, hours: float) -> None:
    """Print a bearer token, and nothing else.

    Run it where the service runs, with its settings: the token is signed with the service's key, CARILLON_SIGNING_KEY_FILE or that of the
    data directory, which `carillon serve` makes on its first start.
    """
    known, wanted = all_scopes(), scopes or tuple(default_scopes())
    if unknown := sorted(set(wanted) - set(known)):
        raise click.BadParameter(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}", param_hint="--scope")
    if not all(brands):
        raise click.BadParameter("must not be empty", param_hint="--brand")
    if not brands and not all(map(is_of_operators, wanted)):
        raise click.BadParameter("is needed, unless all scopes are operators' (admin:…)", param_hint="--brand")
    try:
        key = signing_key(_settings(), may_create=False)
    except ConfigError as error:
        _fail(error)
    tokens = Tokens(key, SystemClock())
    click.echo(tokens.mint(subject, brands, wanted, timedelta(hours=hours)))


main.add_command(import_people)


@main.command("check-config")
def check_config() -> None:
    """Show the settings in force, passwords left out; exit 1 and name the key if one is bad."""
    settings = _settings()
    key = _shown_key(settings)
    for name in sorted(Settings.model_fields):
        click.echo(f"{name} = {_shown(name, getattr(settings, name))}")
    click.echo(f"# database: {_without_password(settings.effective_database_url)}")
    click.echo(f"# signing key: {key}")


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(installed_version("carillon"))


def _shown_key(settings: Settings) -> str:
    """What can be compared between machines."""
    try:
        return f"SHA-256 {fingerprint(signing_key(settings, may_create=False))}"
    except ConfigError as error:
        if settings.signing_key_file:
            _fail(error)
        return "none yet"


def _settings() -> Settings:
    try:
        return load()
    except ConfigError as error:
        _fail(error)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except EXPECTED as error:
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    click.echo(f"carillon: {error}", err=True)
    sys.exit(1)


def _shown(name: str, value: object) -> object:
    return "***" if name in SECRETS and value else _without_password(value)


def _without_password(value: object) -> object:
    """The value; in a URL, the password before the host and any in the query are hidden."""
    if not isinstance(value, str) or "://" not in value:
        return value
    hidden = re.sub(r"(://[^/?#:@]*):[^/?#]*@", r"\1:***@", value)
    return re.sub(r"(password=)[^&#]*", r"\1***", hidden)


async def _quick_start_token(service: Service) -> str | None:
    """A token of an hour to try the demo brand with, for a person: on a terminal, and on the first start with it. None elsewhere, as where
    what is printed is kept in a log."""
    seeded = await service.seed() is not None
    if not seeded and not sys.stdout.isatty():
        return None
    return service.tokens.mint("quick-start", [BRAND], default_scopes(), QUICK_START)


async def _serve(settings: Settings, parts: frozenset[Part]) -> None:
    configure_logging(settings.log_level)
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
