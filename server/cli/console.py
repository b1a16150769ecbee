"""Runs what the commands of `server.cli.main` do. A failure whose text is for the operator ends the
program with that text."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Iterable
from typing import Any, NoReturn, TypeVar

import click
import uvloop

from server.config import ConfigError, Settings, load
from server.config.redaction import shown_settings, shown_url
from server.database import migrate_database, prune_database
from server.domain.errors import CarillonError
from server.gateway.errors import GatewayError
from server.identity.key_store import signing_keys
from server.identity.signing_keys import fingerprint
from storage.contract.errors import StorageError

T = TypeVar("T")

EXPECTED = (ConfigError, StorageError, GatewayError, CarillonError)
"""Failures whose text is for the operator; anything else is a fault and shows its traceback."""


def run_parts(parts: Iterable[str]) -> None:
    """Runs these of `server.app.Part` until a signal ends it."""
    # What serves is most of the code: a command that works on the database alone starts without.
    from server.app import Part
    from server.cli.serving import serve

    run_or_exit(serve(settings_or_exit(), frozenset(map(Part, parts))))


def migrate() -> None:
    """Brings the database's schema to this version."""
    run_or_exit(migrate_database(settings_or_exit()))
    click.echo("the database is up to date")


def prune(days: int | None) -> None:
    """Deletes messages that ended more than so many days ago; None: as the settings say."""
    settings = settings_or_exit()
    kept = settings.retention_days if days is None else days
    pruned = run_or_exit(prune_database(settings, kept))
    click.echo(
        f"deleted {pruned.messages} messages and {pruned.answers} answers to idempotency keys"
    )
    if not kept:
        click.echo(
            "CARILLON_RETENTION_DAYS is 0, so messages are kept: --days says otherwise", err=True
        )


def show_settings() -> None:
    """Shows the settings in force, secrets left out."""
    settings = settings_or_exit()
    key = _shown_key(settings)
    _require_good_scopes(settings)
    for name, value in shown_settings(settings):
        click.echo(f"{name} = {value}")
    click.echo(f"# database: {shown_url(settings.effective_database_url)}")
    click.echo(f"# signing key: {key}")


def _require_good_scopes(settings: Settings) -> None:
    # Which methods there are is for the protos to say: no other command here needs them.
    from server.api.scope_overrides import policies_with

    try:
        policies_with(settings.scopes_file)
    except ConfigError as error:
        fail(error)


def _shown_key(settings: Settings) -> str:
    """What can be compared between machines."""
    try:
        return f"SHA-256 {fingerprint(signing_keys(settings, may_create=False).newest)}"
    except ConfigError as error:
        if settings.signing_key_file:
            fail(error)
        return "none yet"


def settings_or_exit() -> Settings:
    """The settings in force. Ends the program if one is bad."""
    try:
        return load()
    except ConfigError as error:
        fail(error)


def run_or_exit(work: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end. Ends the program if it fails as can be expected."""
    try:
        return uvloop.run(work)
    except EXPECTED as error:
        fail(error)


def fail(error: Exception) -> NoReturn:
    """Says why, and ends the program."""
    message = (
        f"{error}: {', '.join(error.details.values())}"
        if isinstance(error, CarillonError) and error.details
        else str(error)
    )
    click.echo(f"carillon: {message}", err=True)
    sys.exit(1)
