"""Runs the commands of operators on signing keys."""

from __future__ import annotations

import click
import uvloop

from server.cli.console import fail, settings_or_exit
from server.commands.operations.tokens import note_signing_key
from server.config import ConfigError, Settings
from server.database import operate
from server.domain.clock import SystemClock
from server.identity.key_store import StoredKey, add_key, stored_keys
from server.identity.signing_keys import fingerprint
from storage.contract.errors import StorageError


def show_all() -> None:
    """Shows every key, a line each."""
    found = _stored(settings_or_exit())
    for each in found:
        click.echo(f"{each.id}\t{'signs' if each is found[-1] else 'verifies'}\t{each.path}")


def rotate() -> None:
    """Makes a key that signs from now on, which the audit log knows of."""
    settings = settings_or_exit()
    try:
        made = add_key(settings, SystemClock().now())
    except ConfigError as error:
        fail(error)
    _record(settings, made)
    click.echo(made.id)


def _stored(settings: Settings) -> list[StoredKey]:
    try:
        return stored_keys(settings)
    except ConfigError as error:
        fail(error)


def _record(settings: Settings, made: StoredKey) -> None:
    """A service that starts with the key records it where this could not."""
    shown = fingerprint(made.key)
    try:
        uvloop.run(operate(settings, lambda tx, caller: note_signing_key(tx, shown, caller.now)))
    except StorageError as error:
        click.echo(f"carillon: {error}: the audit log does not have this key yet", err=True)
