"""Runs the commands of operators: brands, tokens, the release of a hold. They work on the database
itself, beside a running service or without one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import click
import uvloop

from carillon.ops.v1 import brand_service_pb2
from server.api.policies import default_scopes, known_scopes, scopes_of_people
from server.api.scope_overrides import policies_with
from server.cli.console import fail, run_or_exit, settings_or_exit
from server.commands.operations.brands import create_brand, get_brand, list_brands, update_brand
from server.commands.operations.hold import get_hold, release_hold
from server.commands.operations.tokens import MintedToken, record_token, revoke_token
from server.config import ConfigError, Settings
from server.database import operate
from server.domain.access import Caller, Principal
from server.domain.clock import SystemClock
from server.domain.errors import CarillonError, ValidationFailed
from server.domain.scopes import is_of_operators
from server.identity.claims import text_of
from server.identity.tokens import tokens_of
from server.rules.faults import find_faults
from storage.contract.errors import StorageError, StorageUnavailable
from storage.contract.storage import Transaction
from storage.model.brands import Brand
from storage.model.ids import new_id


def create(brand_id: str, name: str | None) -> None:
    """Creates a brand, named as its id if no name is given, and shows it."""
    new = brand_service_pb2.CreateBrandRequest(id=brand_id, name=name or brand_id)
    _refuse_faults(new)
    _show(
        run_or_exit(
            operate(
                settings_or_exit(), lambda tx, caller: create_brand(tx, caller, new.id, new.name)
            )
        )
    )


def show(brand_id: str) -> None:
    """Shows a brand."""
    _show(
        run_or_exit(operate(settings_or_exit(), lambda tx, caller: get_brand(tx, caller, brand_id)))
    )


def update(brand_id: str, name: str) -> None:
    """Changes a brand, and shows it."""
    _refuse_faults(brand_service_pb2.UpdateBrandRequest(id=brand_id, name=name))
    _show(
        run_or_exit(
            operate(settings_or_exit(), lambda tx, caller: update_brand(tx, caller, brand_id, name))
        )
    )


def show_all() -> None:
    """Shows every brand, a line each."""
    for each in run_or_exit(operate(settings_or_exit(), _all_brands)):
        click.echo(f"{each.id}\t{each.name}")


def release() -> None:
    """Releases a hold on delivery."""
    released = run_or_exit(operate(settings_or_exit(), _release))
    click.echo("delivery goes on" if released else "delivery was not held")


def print_token(
    brands: Sequence[str],
    scopes: Sequence[str],
    subject: str,
    hours: float,
    *,
    is_person: bool,
) -> None:
    """Prints a token of the service's key, which the audit log knows of. Raises
    click.BadParameter."""
    settings = settings_or_exit()
    try:
        policies = policies_with(settings.scopes_file)
    except ConfigError as error:
        fail(error)
    wanted = scopes or (scopes_of_people() if is_person else default_scopes(policies))
    _check(brands, wanted, known_scopes(policies))
    try:
        tokens = tokens_of(settings, SystemClock(), may_create=False)
    except ConfigError as error:
        fail(error)
    lifetime = timedelta(hours=hours)
    made = MintedToken(
        new_id(),
        Principal(subject, frozenset(brands), frozenset(wanted), is_person),
        SystemClock().now() + lifetime,
    )
    _record(settings, made)
    click.echo(tokens.mint(subject, brands, wanted, lifetime, made.id, is_person=is_person))


def revoke(token_id: str) -> None:
    """Revokes a token by its id."""
    try:
        text_of(token_id)
    except ValueError as error:
        raise click.BadParameter(f"is no id of a token: {error}", param_hint="JTI") from None
    revoked = run_or_exit(
        operate(settings_or_exit(), lambda tx, caller: revoke_token(tx, caller, token_id))
    )
    click.echo("revoked" if revoked else "was revoked before")


def _refuse_faults(
    request: brand_service_pb2.CreateBrandRequest | brand_service_pb2.UpdateBrandRequest,
) -> None:
    """By the rules that the API has for the same."""
    if faults := find_faults(request):
        fail(ValidationFailed(faults))


def _check(brands: Sequence[str], scopes: Sequence[str], known: Sequence[str]) -> None:
    if unknown := sorted(set(scopes) - set(known)):
        raise click.BadParameter(
            f"unknown: {', '.join(unknown)}; known are {', '.join(known)}", param_hint="--scope"
        )
    if not all(brands):
        raise click.BadParameter("must not be empty", param_hint="--brand")
    if not brands and not all(map(is_of_operators, scopes)):
        raise click.BadParameter(
            "is needed, unless all scopes are operators' (admin:…)", param_hint="--brand"
        )


def _record(settings: Settings, made: MintedToken) -> None:
    """Before the token is shown: what cannot be recorded must not be used. But a database that is
    away must not keep operators out."""
    try:
        uvloop.run(operate(settings, lambda tx, caller: record_token(tx, caller, made)))
    except StorageUnavailable as error:
        click.echo(
            f"carillon: {error}: whether the brands exist was not asked, and the audit log does "
            f"not have this token",
            err=True,
        )
    except (CarillonError, StorageError) as error:
        fail(error)


async def _all_brands(tx: Transaction, caller: Caller) -> list[Brand]:
    page = await list_brands(tx, caller, "", 0, "")
    found = list(page.items)
    while page.next_page_token:
        page = await list_brands(tx, caller, "", 0, page.next_page_token)
        found.extend(page.items)
    return found


async def _release(tx: Transaction, caller: Caller) -> bool:
    held = (await get_hold(tx, caller)).held_at is not None
    await release_hold(tx, caller)
    return held


def _show(shown: Brand) -> None:
    click.echo(
        f"id: {shown.id}\nname: {shown.name}\ncreated: {shown.created_at.isoformat()} by "
        f"{shown.created_by}"
    )
