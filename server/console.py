"""What the commands of `server.cli` do. Failures whose text is for the operator end the program with it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Coroutine, Iterable, Sequence
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import click

from server.api.policies import all_scopes, default_scopes, is_of_operators
from server.app import Part, PortTaken, migrate_database, prune_database, release_database
from server.config import SECRETS, ConfigError, Settings, load
from server.domain.clock import SystemClock
from server.gateway.errors import GatewayError
from server.hold_client import NotReleased
from server.serving import serve
from server.tokens import Tokens, fingerprint, signing_key
from storage.errors import StorageError

T = TypeVar("T")

EXPECTED = (ConfigError, StorageError, PortTaken, GatewayError, NotReleased)
"""Failures whose text is for the operator; anything else is a fault and shows its traceback."""


def run_parts(parts: Iterable[str]) -> None:
    """Runs these of `server.app.Part` until a signal ends it."""
    _run(serve(_settings(), frozenset(map(Part, parts))))


def migrate() -> None:
    """Brings the database's schema to this version."""
    _run(migrate_database(_settings()))
    click.echo("the database is up to date")


def prune(days: int | None) -> None:
    """Deletes messages that ended more than so many days ago; None: as the settings say."""
    settings = _settings()
    kept = settings.retention_days if days is None else days
    pruned = _run(prune_database(settings, kept))
    click.echo(f"deleted {pruned.messages} messages and {pruned.answers} answers to idempotency keys")
    if not kept:
        click.echo("CARILLON_RETENTION_DAYS is 0, so messages are kept: --days says otherwise", err=True)


def release() -> None:
    """Releases a hold on delivery."""
    released = _run(release_database(_settings()))
    click.echo("delivery goes on" if released else "delivery was not held")


def print_token(brands: Sequence[str], scopes: Sequence[str], subject: str, hours: float) -> None:
    """Prints a token of the service's key. Raises click.BadParameter."""
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


def show_settings() -> None:
    """Shows the settings in force, passwords left out."""
    settings = _settings()
    key = _shown_key(settings)
    for name in sorted(Settings.model_fields):
        click.echo(f"{name} = {_shown(name, getattr(settings, name))}")
    click.echo(f"# database: {_without_password(settings.effective_database_url)}")
    click.echo(f"# signing key: {key}")


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
