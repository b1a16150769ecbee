"""`python -m server` is `carillon`."""

from server.cli.main import main

if __name__ == "__main__":
    main()
