"""The `carillon token` command, and those on tokens."""

from __future__ import annotations

import click

LIFETIME_HOURS = 24.0
"""`server.identity.tokens.LIFETIME`."""


@click.group(invoke_without_command=True)
@click.option(
    "--brand",
    "brands",
    multiple=True,
    help="Brand the token may act for; may be given again. An operator's needs none.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="Scope to allow; may be given again. Default: all but the operators' admin:…; of a "
    "person, those of their own notifications.",
)
@click.option(
    "--subject",
    default="cli",
    show_default=True,
    help="Who the token stands for; becomes created_by.",
)
@click.option(
    "--person",
    "is_person",
    is_flag=True,
    help="The subject is a person, who reads their own notifications; else it is a service.",
)
@click.option(
    "--hours",
    default=LIFETIME_HOURS,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Lifetime.",
)
@click.pass_context
def token(
    context: click.Context,
    brands: tuple[str, ...],
    scopes: tuple[str, ...],
    subject: str,
    is_person: bool,
    hours: float,
) -> None:
    """Print a bearer token, and nothing else.

    Run it where the service runs, with its settings: the token is signed with the service's key,
    CARILLON_SIGNING_KEY_FILE or that of the data directory, which `carillon serve` makes on its
    first start. That it was made is in the audit log.
    """
    if context.invoked_subcommand is not None:
        return
    from server.cli import operators

    operators.print_token(brands, scopes, subject, hours, is_person=is_person)


@token.command()
@click.argument("token_id", metavar="JTI")
def revoke(token_id: str) -> None:
    """End a token before its time, for good.

    JTI is its id, which the audit log has. Every process of the service refuses the token within
    half a minute.
    """
    from server.cli import operators

    operators.revoke(token_id)
