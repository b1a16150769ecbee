"""Commands of operators: brands, tokens, the release of a hold. They work on the database itself, beside a running service or without."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import click

from server.api.policies import all_scopes, default_scopes, is_of_operators
from server.app import operate
from server.command_line import fail, run_or_exit, settings_or_exit
from server.commands.brands import create_brand, get_brand, list_brands, update_brand
from server.commands.hold import get_hold, release_hold
from server.commands.tokens import MintedToken, record_token
from server.config import ConfigError, Settings
from server.domain.access import Caller, Principal
from server.domain.clock import SystemClock
from server.domain.errors import CarillonError
from server.domain.ids import new_id
from server.tokens import LIFETIME, Tokens, signing_key
from storage.errors import StorageError, StorageUnavailable
from storage.interface import Transaction
from storage.operations import Brand


@click.group()
def brand() -> None:
    """Create, list, show and update brands.

    Tokens are made, and calls taken, only for brands that exist.
    """


@brand.command("create")
@click.argument("brand_id", metavar="ID")
@click.option("--name", help="For people. Default: the id.")
def brand_create(brand_id: str, name: str | None) -> None:
    """Create a brand. ID: lower-case letters, digits and hyphens."""
    _show(run_or_exit(operate(settings_or_exit(), lambda tx, caller: create_brand(tx, caller, brand_id, name or brand_id))))


@brand.command("list")
def brand_list() -> None:
    """List the brands, a line each: id, tab, name."""
    for each in run_or_exit(operate(settings_or_exit(), _all_brands)):
        click.echo(f"{each.id}\t{each.name}")


@brand.command("show")
@click.argument("brand_id", metavar="ID")
def brand_show(brand_id: str) -> None:
    """Show a brand."""
    _show(run_or_exit(operate(settings_or_exit(), lambda tx, caller: get_brand(tx, caller, brand_id))))


@brand.command("update")
@click.argument("brand_id", metavar="ID")
@click.option("--name", required=True, help="For people.")
def brand_update(brand_id: str, name: str) -> None:
    """Change a brand; its id stays."""
    _show(run_or_exit(operate(settings_or_exit(), lambda tx, caller: update_brand(tx, caller, brand_id, name))))


@click.command()
@click.option("--i-understand", is_flag=True, help="People may get a message for the second time.")
def release(i_understand: bool) -> None:
    """Let delivery go on after the database was put back to an earlier state.

    A restored database holds messages as pending that have gone out since it was copied, so dispatchers hold everything. Find out what went
    out, cancel what shall not go again, and then release: what is pending is sent. Works beside a running service, and without one.
    """
    if not i_understand:
        raise click.UsageError("what went out before the database was put back may go out again: say --i-understand")
    released = run_or_exit(operate(settings_or_exit(), _release))
    click.echo("delivery goes on" if released else "delivery was not held")


@click.command()
@click.option("--brand", "brands", multiple=True, help="Brand the token may act for; may be given again. An operator's needs none.")
@click.option("--scope", "scopes", multiple=True, help="Scope to allow; may be given again. Default: all but the operators' admin:….")
@click.option("--subject", default="cli", show_default=True, help="Who the token stands for; becomes created_by.")
@click.option(
    "--hours", default=LIFETIME.total_seconds() / 3600, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Lifetime."
)
def token(brands: tuple[str, ...], scopes: tuple[str, ...], subject: str, hours: float) -> None:
    """Print a bearer token, and nothing else.

    Run it where the service runs, with its settings: the token is signed with the service's key, CARILLON_SIGNING_KEY_FILE or that of the
    data directory, which `carillon serve` makes on its first start. That it was made is in the audit log.
    """
    wanted = scopes or tuple(default_scopes())
    _check(brands, wanted)
    settings = settings_or_exit()
    try:
        tokens = Tokens(signing_key(settings, may_create=False), SystemClock())
    except ConfigError as error:
        fail(error)
    lifetime = timedelta(hours=hours)
    made = MintedToken(new_id(), Principal(subject, frozenset(brands), frozenset(wanted)), SystemClock().now() + lifetime)
    _record(settings, made)
    click.echo(tokens.mint(subject, brands, wanted, lifetime, made.id))


def _check(brands: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    known = all_scopes()
    if unknown := sorted(set(scopes) - set(known)):
        raise click.BadParameter(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}", param_hint="--scope")
    if not all(brands):
        raise click.BadParameter("must not be empty", param_hint="--brand")
    if not brands and not all(map(is_of_operators, scopes)):
        raise click.BadParameter("is needed, unless all scopes are operators' (admin:…)", param_hint="--brand")


def _record(settings: Settings, made: MintedToken) -> None:
    """Before the token is shown: what cannot be recorded must not be used. But a database that is away must not keep operators out."""
    try:
        asyncio.run(operate(settings, lambda tx, caller: record_token(tx, caller, made)))
    except StorageUnavailable as error:
        click.echo(f"carillon: {error}: whether the brands exist was not asked, and the audit log does not have this token", err=True)
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
    await release_hold(tx, caller, i_understand=True)
    return held


def _show(shown: Brand) -> None:
    click.echo(f"id: {shown.id}\nname: {shown.name}\ncreated: {shown.created_at.isoformat()} by {shown.created_by}")
