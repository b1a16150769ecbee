"""The command `carillon import`. What it needs is imported when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from server.importer.source import FORMATS

STOPPED = 1
"""Exit code when the import stopped."""


def _pairs(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = {}
    for value in values:
        column, equals, target = value.rpartition("=")
        if not equals or not column:
            raise click.BadParameter(f"{value!r} is not COLUMN=FIELD")
        pairs[column] = target
    return pairs


def _delimiter(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    character = {"tab": "\t", "\\t": "\t"}.get(value, value)
    if len(character) != 1 or character in '"\r\n':
        raise click.BadParameter("must be one character, or 'tab'")
    return character


def _region(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    from server.domain.contacts.phone_numbers import is_region

    if value is not None and not is_region(value.upper()):
        raise click.BadParameter("must be a country such as PT or US")
    return value and value.upper()


@click.command("import")
@click.argument("file", metavar="FILE")
@click.option("--brand", required=True, help="Brand of the people.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Default: as FILE ends.")
@click.option(
    "--delimiter",
    callback=_delimiter,
    help="Between fields of CSV; 'tab' is one. Default: a comma, or as in a first line sep=;",
)
@click.option(
    "--map",
    "mapped",
    multiple=True,
    callback=_pairs,
    metavar="COLUMN=FIELD",
    help="Field, or attributes.NAME, of a column.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="COLUMN",
    help="Column to leave out; may be given again.",
)
@click.option(
    "--typed",
    is_flag=True,
    help="Read true, false, null and numbers in attributes of CSV as such, not as text.",
)
@click.option(
    "--region",
    callback=_region,
    metavar="COUNTRY",
    help="Country of phone numbers without a country code, e.g. PT.",
)
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where rejected rows go. Default: FILE.rejects.jsonl.",
)
@click.option(
    "--restart", is_flag=True, help="Begin again, whatever an interrupted import has done."
)
@click.option(
    "--server",
    metavar="HOST:PORT",
    help="gRPC API of the service. Default: the one of this directory's settings.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Authorities of the server's certificate (PEM). Default: no TLS.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Default: a token of this installation's key.",
)
@click.option(
    "--batch",
    default=2000,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Rows in one call.",
)
def import_people(  # noqa: PLR0913, PLR0917  # one for each option
    file: str,
    brand: str,
    format_: str | None,
    delimiter: str | None,
    mapped: dict[str, str],
    ignored: tuple[str, ...],
    typed: bool,
    region: str | None,
    rejects: Path | None,
    restart: bool,
    server: str | None,
    ca: Path | None,
    token_file: Path | None,
    batch: int,
) -> None:
    """Put the people in FILE (.csv, .jsonl, or - for standard input) into the running service.

    Columns person_id, email, phone, push_tokens, locale and time_zone are what they are called; any
    other is an attribute. Rows that cannot be put go to the rejects file, with line and reasons.
    Interrupted, the same command goes on where it stopped.

    Exit code: 0 if everybody was put, 2 if some rows were rejected, 1 if the import stopped.
    """
    from server.config import ConfigError, load
    from server.importer.errors import ImportStopped
    from server.importer.mapping import Columns
    from server.importer.run import Order
    from server.importer.session import import_into, token_for

    try:
        settings = load()
        token = token_for(brand, settings, token_file)
    except ConfigError as error:
        _fail(str(error))
    # Beside a service that speaks TLS there is the socket by which its own gateway comes in.
    here = f"unix:{settings.data_dir.absolute()}/api.sock"
    address = server or (here if settings.tls_cert and ca is None else settings.grpc_address)
    order = Order(
        name=file,
        destination=f"{brand} at {address}",
        format=format_,
        delimiter=delimiter,
        columns=Columns(mapped, frozenset(ignored), typed),
        region=region,
        rejects=rejects,
        restart=restart,
        batch_rows=batch,
    )
    try:
        sys.exit(import_into(address, brand, token, order, ca))
    except ImportStopped as error:
        _fail(str(error))


def _fail(text: str) -> NoReturn:
    click.echo(f"carillon: {text}", err=True)
    sys.exit(STOPPED)
