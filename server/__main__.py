"""`python -m server` is `carillon`."""

import os

from server.cli.main import main as command
from server.runtime.privacy import UMASK


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; those of the process without any given. What it writes is its owner's
    alone."""
    os.umask(UMASK)
    command(arguments)


if __name__ == "__main__":
    main()
