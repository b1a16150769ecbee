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
from server.identity.link_keys import keep_derived_key
from server.identity.signing_keys import fingerprint
from storage.contract.errors import StorageError
from storage.model.audit import AuditAction


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
    _record(settings, made, AuditAction.SIGNING_KEY_USED)
    click.echo(made.id)


def retire(kid: str) -> None:
    """Removes an older key, which the audit log knows of. Links made with it stay good."""
    settings = settings_or_exit()
    found = _stored(settings)
    for each in found[:-1]:
        if each.id == kid:
            break
    else:
        raise click.BadParameter(
            "is the key that signs: rotate first" if found[-1].id == kid else "no such key",
            param_hint="KID",
        )
    try:
        keep_derived_key(settings, each.key)
    except ConfigError as error:
        fail(error)
    each.path.unlink()
    _record(settings, each, AuditAction.SIGNING_KEY_RETIRED)
    click.echo(f"retired {kid}")


def _stored(settings: Settings) -> list[StoredKey]:
    try:
        return stored_keys(settings)
    except ConfigError as error:
        fail(error)


def _record(settings: Settings, key: StoredKey, action: AuditAction) -> None:
    """A service that starts with a new key records it where this could not."""
    shown = fingerprint(key.key)
    try:
        uvloop.run(
            operate(settings, lambda tx, caller: note_signing_key(tx, shown, caller.now, action))
        )
    except StorageError as error:
        click.echo(f"carillon: {error}: the audit log does not have this", err=True)
