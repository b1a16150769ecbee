"""The `carillon` command. What a command needs is imported when it runs, so that help and the
version are there at once."""

from __future__ import annotations

import click

from server.cli.brand import brand
from server.cli.keys import keys
from server.cli.token import token
from server.importer.command import import_people

MAX_DAYS = 36_500
"""`server.config.MAX_DAYS`."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Carillon sends campaigns and messages, once each, and accounts for every one.

    Start with `carillon serve`: it needs nothing else and prints commands to try. Settings come
    from CARILLON_* in the environment and from carillon.toml in the current directory; `carillon
    check-config` shows them.
    """


@main.command()
def serve() -> None:
    """Run everything in one process: API, dispatcher and gateway.

    Migrates the database first, and fills an empty one with the brand `demo`.
    """
    from server.cli import console

    console.run_parts(["api", "dispatcher", "gateway"])


@main.command()
def api() -> None:
    """Run the gRPC API alone. Needs a migrated PostgreSQL, shared with dispatchers."""
    from server.cli import console

    console.run_parts(["api"])


@main.command()
def dispatcher() -> None:
    """Run the dispatcher alone. Needs a migrated PostgreSQL, shared with the API."""
    from server.cli import console

    console.run_parts(["dispatcher"])


@main.command()
def gateway() -> None:
    """Run Envoy alone: REST on CARILLON_REST_PORT, for the replicas in CARILLON_API_ADDRESSES."""
    from server.cli import console

    console.run_parts(["gateway"])


@main.command()
def migrate() -> None:
    """Bring the database's schema to this version. Safe to run again, and by several at once."""
    from server.cli import console

    console.migrate()


@main.command()
@click.option(
    "--days",
    type=click.IntRange(1, MAX_DAYS),
    help="Days that messages are kept after they ended. Default: CARILLON_RETENTION_DAYS.",
)
def prune(days: int | None) -> None:
    """Delete messages that ended long ago, and old answers to idempotency keys.

    Dispatchers do so by themselves, once a day. On PostgreSQL this runs beside them; the embedded
    database has to be out of use.
    """
    from server.cli import console

    console.prune(days)


@main.command()
@click.option("--i-understand", is_flag=True, help="People may get a message for the second time.")
def release(i_understand: bool) -> None:
    """Let delivery go on after the database was put back to an earlier state.

    A restored database holds messages as pending that have gone out since it was copied, so
    dispatchers hold everything. Find out what went out, cancel what shall not go again, and then
    release: what is pending is sent. Works beside a running service, and without one.
    """
    if not i_understand:
        raise click.UsageError(
            "what went out before the database was put back may go out again: say --i-understand"
        )
    from server.cli import operators

    operators.release()


main.add_command(brand)
main.add_command(keys)
main.add_command(token)
main.add_command(import_people)


@main.command("check-config")
def check_config() -> None:
    """Show the settings in force, secrets left out; exit 1 and name the key if one is bad."""
    from server.cli import console

    console.show_settings()


@main.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed_version

    click.echo(installed_version("carillon"))
