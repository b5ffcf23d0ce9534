"""The app as a host runs it: a process that can be ended and started again."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

from tests.support.house import ROOT, free_port, until_running


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

    def end(self, sign: int = signal.SIGTERM) -> int:
        """End it; its exit code. What it said meanwhile is in `said` then."""
        with self.program as program:
            with suppress(ProcessLookupError):
                program.send_signal(sign)
            self.said += program.stdout or ()
        return program.returncode
