"""A real Redis of Debian's, on a port of loopback."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

SERVER = shutil.which("redis-server") or "/usr/bin/redis-server"


@contextmanager
def redis_at(port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis of our own, which keeps nothing; it may be dead already at the end."""
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        *more,
    ]
    with subprocess.Popen([SERVER, *options], stdout=subprocess.PIPE) as server:
        try:
            any(b"Ready to accept connections" in line for line in server.stdout or ())
            yield server
        finally:
            server.kill()
