"""A command imports what it needs: asking for help or the version waits for nothing that serves."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from server.cli.main import main

PROGRAM = """
import json, sys
from server.__main__ import main
try:
    main(json.loads(sys.argv[1]))
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""
LIBRARIES = (
    "google grpc sqlalchemy alembic liquid jwt cryptography phonenumbers email_validator httpx "
    "pydantic"
)
SLOW = {"asyncio", "carillon", "storage", *LIBRARIES.split()}
"""Some of what the service is made of."""


def imported(*arguments: str) -> set[str]:
    """Packages that a command has imported when it ends; it ends well."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [("version",), ("--help",), *((name, "--help") for name in main.commands)],
    ids=" ".join,
)
def test_help_and_version_import_nothing_but_the_command_line(arguments: tuple[str, ...]) -> None:
    packages = imported(*arguments)
    assert {"click", "server"} <= packages
    assert packages & SLOW == set()


def test_a_command_that_serves_nothing_imports_nothing_that_serves() -> None:
    assert imported("check-config") & {"grpc", "liquid", "httpx", "alembic"} == set()


def test_these_are_the_names_of_what_the_service_is_made_of() -> None:
    names = '{name.partition(".")[0] for name in sys.modules}'
    program = f"import server.app, storage.sql.upgrade, sys; print(*{names})"
    assert set(subprocess.check_output([sys.executable, "-c", program], text=True).split()) >= SLOW
