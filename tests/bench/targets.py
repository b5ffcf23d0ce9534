"""Those who are measured, each a process of its own, and what it costs them."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from tests.support.app_process import ROOT, free_port, until_running

AGENTS = Path(__file__).parent / "agents"

ENVIRONMENT = {
    "ADK_DISABLE_LOAD_DOTENV": "1",
    "GOOGLE_API_KEY": "key-of-nobody",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
    "PYTHONUNBUFFERED": "1",
    "LEAVE_GRACE": "1",  # so that nobody need wait for it here
    "SESSION_DB": "memory://",  # as everybody else here keeps sessions
    **dict.fromkeys(("VISITOR_PER_MINUTE", "VISITOR_PER_DAY", "DAILY_TURNS", "DAILY_TOKENS"), "0"),
    **dict.fromkeys(("MAX_CHAT_TURNS", "MAX_OUTPUT_TOKENS"), "0"),
    **dict.fromkeys(("MODEL", "GEMINI_API_KEY"), ""),
    **dict.fromkeys(("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"), ""),
}

IN_MEMORY = ["--session_service_uri", "memory://", "--artifact_service_uri", "memory://"]

# What starts each, after Python's own name.
COMMANDS = {
    "genai": ["-m", "tests.bench.raw", "genai"],
    "adk": ["-m", "tests.bench.raw", "adk"],
    "api_server": ["-m", "google.adk.cli", "api_server", str(AGENTS), *IN_MEMORY],
    "plain": ["-m", "tests.bench.plain"],
    "page": ["app.py", str(AGENTS / "talker")],
    "model": ["-m", "tests.bench.model"],
}


class Target:
    """A process that serves."""

    def __init__(self, name: str, **environment: str) -> None:
        self.name, port = name, str(free_port())
        extra = ["--port", port] * (name == "api_server")
        self.program = subprocess.Popen(
            [sys.executable, *COMMANDS[name], *extra],
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT, "GRADIO_SERVER_PORT": port, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = until_running(self.program)
        self.url = f"http://127.0.0.1:{port}/"
        self.hear: Callable[[str], object] = len
        """What is done with each line that it says from now on."""
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        return time.clock_gettime(~self.program.pid << 3 | 2)  # see clock_getcpuclockid(3)

    def memory(self) -> int:
        """Bytes of memory that it holds."""
        pages = Path(f"/proc/{self.program.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def write(self, line: str) -> None:
        """To its standard input."""
        assert self.program.stdin
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()

    def close(self) -> None:
        """End it."""
        self.program.kill()
        self.program.wait()
        self._listening.join()

    def _listen(self) -> None:
        for line in self.program.stdout or ():
            self.hear(line)


class Model(Target):
    """The fake Gemini, which the others are to find."""

    def __init__(self) -> None:
        super().__init__("model")
        self.url = self.said[-1].split()[-1]
        self._told: SimpleQueue[str] = SimpleQueue()
        self.hear = self._told.put

    async def left(self) -> float:
        """When the last one who asked hung up, in `time.monotonic`'s seconds."""
        self.write("left")
        return float(await asyncio.to_thread(self._told.get))

    @property
    def environment(self) -> dict[str, str]:
        """With which a target finds it."""
        return {"GOOGLE_GEMINI_BASE_URL": self.url}
