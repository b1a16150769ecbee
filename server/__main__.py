"""`python -m server` is `carillon`."""

from server.cli import main

if __name__ == "__main__":
    main()
