"""The `carillon keys` commands."""

from __future__ import annotations

import click


@click.group()
def keys() -> None:
    """List and rotate the keys that sign tokens.

    The newest signs, all of them verify, so tokens of an older key are good until they expire.
    """


@keys.command("list")
def show_all() -> None:
    """List the keys, oldest first, a line each: kid, tab, `signs` or `verifies`, tab, file."""
    from server.cli import key_operators

    key_operators.show_all()


@keys.command()
@click.argument("kid")
def retire(kid: str) -> None:
    """Remove the file of an older key: nothing verifies by it any more, and its tokens are refused.

    A running service notices within half a minute. Unsubscribe links stay good. Do the same on
    other machines that have the key, and copy the file of link keys there.
    """
    from server.cli import key_operators

    key_operators.retire(kid)


@keys.command()
def rotate() -> None:
    """Make a key that signs from now on, and print its kid.

    A running service takes its tokens within ten seconds. Where other machines have keys of the
    same installation, copy the file there before tokens are made.
    """
    from server.cli import key_operators

    key_operators.rotate()
