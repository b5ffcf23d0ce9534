"""Programs of this repository as a host runs them: processes that serve, end and start again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(arguments: list[str], **environment: str) -> Iterator[list[str]]:
    """A program that serves, from the moment at which it says so; what it has said until then."""
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            yield until_running(program)
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def until_running(program: subprocess.Popen[str]) -> list[str]:
    """Wait until it says that it serves; what it has said until then."""
    said = []
    for line in program.stdout or ():
        said.append(line)
        if "unning on" in line:
            return said
    raise AssertionError(f"It ended without serving: {''.join(said)}")


class App:
    """A process of `app.py`, with these arguments and environment variables."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}/"
        self._arguments = arguments
        self._environment = {**environment, "GRADIO_SERVER_PORT": port, "PYTHONUNBUFFERED": "1"}
        self.start()

    def start(self) -> None:
        """Serve."""
        self.program = subprocess.Popen(
            [sys.executable, "app.py", *self._arguments],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = until_running(self.program)

    def end(self, signum: int = signal.SIGTERM) -> int:
        """End it; its exit code. What it said meanwhile is in `said` then."""
        with self.program as program:
            with suppress(ProcessLookupError):
                program.send_signal(signum)
            if program.stdout and not program.stdout.closed:
                self.said += program.stdout
        return program.returncode
