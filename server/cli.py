"""The `carillon` command."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from datetime import timedelta
from importlib.metadata import version as installed_version

import click

from server import interpreter
from server.api.policies import default_scopes
from server.app import EVERYTHING, Part, Service, migrate_database, prune_database
from server.banner import ready_text
from server.command_line import fail, run_or_exit, settings_or_exit
from server.config import MAX_DAYS, SECRETS, ConfigError, Settings
from server.importer.command import import_people
from server.logs import configure_logging
from server.operator_commands import brand, release, token
from server.tokens import fingerprint, signing_key

QUICK_START = timedelta(hours=1)
"""How long the token in the printed commands is good."""


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
    run_or_exit(_serve(settings_or_exit(), EVERYTHING))


@main.command()
def api() -> None:
    """Run the gRPC API alone. Needs a migrated PostgreSQL, shared with dispatchers."""
    run_or_exit(_serve(settings_or_exit(), frozenset({Part.API})))


@main.command()
def dispatcher() -> None:
    """Run the dispatcher alone. Needs a migrated PostgreSQL, shared with the API."""
    run_or_exit(_serve(settings_or_exit(), frozenset({Part.DISPATCHER})))


@main.command()
def gateway() -> None:
    """Run Envoy alone: REST on CARILLON_REST_PORT, for the replicas in CARILLON_API_ADDRESSES."""
    run_or_exit(_serve(settings_or_exit(), frozenset({Part.GATEWAY})))


@main.command()
def migrate() -> None:
    """Bring the database's schema to this version. Safe to run again, and by several at once."""
    settings = settings_or_exit()
    run_or_exit(migrate_database(settings))
    click.echo("the database is up to date")


@main.command()
@click.option(
    "--days", type=click.IntRange(1, MAX_DAYS), help="Days that messages are kept after they ended. Default: CARILLON_RETENTION_DAYS."
)
def prune(days: int | None) -> None:
    """Delete messages that ended long ago, and old answers to idempotency keys.

    Dispatchers do so by themselves, once a day. On PostgreSQL this runs beside them; the embedded database has to be out of use.
    """
    settings = settings_or_exit()
    kept = settings.retention_days if days is None else days
    pruned = run_or_exit(prune_database(settings, kept))
    click.echo(f"deleted {pruned.messages} messages and {pruned.answers} answers to idempotency keys")
    if not kept:
        click.echo("CARILLON_RETENTION_DAYS is 0, so messages are kept: --days says otherwise", err=True)


main.add_command(brand)
main.add_command(release)
main.add_command(token)
main.add_command(import_people)


@main.command("check-config")
def check_config() -> None:
    """Show the settings in force, passwords left out; exit 1 and name the key if one is bad."""
    settings = settings_or_exit()
    key = _shown_key(settings)
    for name in sorted(settings.__dataclass_fields__):
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
            fail(error)
        return "none yet"


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
    return await service.mint_for_demo(default_scopes(), QUICK_START) if seeded or sys.stdout.isatty() else None


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
