"""`python -m server` is `carillon`."""

import os

from server.cli.main import main as command

UMASK = 0o077
"""Takes from others whatever they could do with a file that is made."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; those of the process without any given. What it writes is its owner's
    alone."""
    os.umask(UMASK)
    command(arguments)


if __name__ == "__main__":
    main()
