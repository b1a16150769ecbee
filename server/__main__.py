"""`python -m server` is `carillon`."""

import os

from server.cli.main import main as command
from server.runtime.privacy import UMASK


def main() -> None:
    """Runs the command. What it writes is its owner's alone."""
    os.umask(UMASK)
    command()


if __name__ == "__main__":
    main()
