"""A real PostgreSQL of Debian's, in a folder of its own, on a free port of loopback.

with run_postgres() as server:
    server.new_database()       # a URI for SESSION_DB
    server.stop()               # as if the machine had gone
    server.start()
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.support.app_process import free_port

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

PASSWORD = "open-sesame"

SERVER_OPTIONS = "-c fsync=off -c listen_addresses=127.0.0.1"


class Postgres:
    """The server; it runs as the user `postgres` where a test runs as root, as it must."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self._names = count(1)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-U", "chats", "-A", "trust", "--no-sync")

    def start(self) -> None:
        """Serve; returns as soon as it does."""
        options = f"{SERVER_OPTIONS} -c port={self.port} -c unix_socket_directories={self._folder}"
        log = f"{self._folder}/log"
        self._run("pg_ctl", "start", "--silent", "--wait", "-o", options, "-l", log)

    def stop(self) -> None:
        """End at once, whoever is connected."""
        self._run("pg_ctl", "stop", "--silent", "--wait", "-m", "immediate")

    def new_database(self) -> str:
        """The URI of an empty one."""
        name = f"chats{next(self._names)}"
        self.sql("postgres", f"CREATE DATABASE {name}")
        return f"postgresql+asyncpg://chats:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def sql(self, database: str, command: str) -> list[str]:
        """The lines of what a command gives."""
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "chats")
        return self._run("psql", *where, "-qAt", "-d", database, "-c", command).split("\n")[:-1]

    def _run(self, program: str, *arguments: str) -> str:
        """Run one of its programs to its end; what it said. A server that it starts lives on."""
        as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        with tempfile.TemporaryFile("w+") as said:
            subprocess.run(
                [*as_user, str(PROGRAMS[-1] / program), *arguments],
                cwd="/",
                env={**os.environ, "PGDATA": str(self._folder / "data")},
                stdout=said,
                stderr=subprocess.STDOUT,
                check=True,
            )
            said.seek(0)
            return said.read()


@contextmanager
def run_postgres() -> Iterator[Postgres]:
    """A server that runs until the end."""
    if not PROGRAMS:
        pytest.skip("There is no PostgreSQL: install Debian's package `postgresql`")
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
