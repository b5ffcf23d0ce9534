"""`python -m agent` as it is used: with pipes, or in a terminal in which somebody types."""

import codecs
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from tests.support.app_process import ROOT

STAMP = r"\[\d\d:\d\d:\d\d\]"

# Makes standard input a session's own terminal, so that Ctrl-C in it is a signal.
OWN_TERMINAL = (
    "import fcntl, os, signal, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    # A shell has what it starts in the background ignore Ctrl-C, and all that this starts too.
    "signal.signal(signal.SIGINT, signal.SIG_DFL);"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


class Ended(NamedTuple):
    """A program that has ended: its exit code, and what it said."""

    code: int
    out: str
    err: str


def ran(*arguments: str, typed: str | bytes = "", **environment: str) -> Ended:
    """The command, with pipes for its input and output."""
    ended = subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=typed.encode() if isinstance(typed, str) else typed,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def timeless(text: str) -> str:
    """The text with one time of day in place of all."""
    return re.sub(STAMP, "[14:23:15]", text)


class Terminal:
    """A pseudo-terminal with the command in it: what it shows, and somebody who types."""

    def __init__(self, end: int, program: subprocess.Popen[bytes]) -> None:
        self._end, self._program = end, program
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._raw, self._read = "", 0

    @property
    def shown(self) -> str:
        """All that was shown, without what tells a terminal to mark pastes; a terminal's own line
        ends as plain ones."""
        return re.sub(r"\x1b\[\?2004[hl]\r?", "", self._raw).replace("\r\n", "\n")

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def interrupt_prompt(self) -> None:
        """Press Ctrl-C when the program waits for a key: of one that comes a moment earlier it
        would hear at the next key alone (`select` in CPython's Modules/readline.c)."""
        status = Path(f"/proc/{self._program.pid}/stat")
        while status.read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0)
        self.type("\x03")

    def until(self, pattern: str) -> str:
        """Wait for what the pattern describes; what is new on the screen, up to its end."""
        deadline = time.monotonic() + 30
        while not (found := re.compile(pattern).search(self.shown, self._read)):
            assert self._more(deadline), f"No {pattern!r} in {self.shown[self._read :]!r}"
        new = self.shown[self._read : found.end()]
        self._read = found.end()
        return new

    def ended(self) -> int:
        """Wait for the end; the exit code."""
        while self._more(time.monotonic() + 30):
            pass
        return self._program.wait(30)

    def _more(self, deadline: float) -> bool:
        """Read on, if anything comes."""
        if not select.select([self._end], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._end, 65_536)
        except OSError:  # So Linux says that the other end is closed.
            data = b""
        self._raw += self._decoder.decode(data)
        return bool(data)


@contextmanager
def terminal(
    *arguments: str, out: IO[bytes] | None = None, **environment: str
) -> Iterator[Terminal]:
    """The command in a terminal of its own; its standard output may go elsewhere."""
    end, other_end = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, "-m", "agent", *arguments],
        cwd=ROOT,
        env={**os.environ, "TERM": "dumb", **environment},
        stdin=other_end,
        stdout=out or other_end,
        stderr=other_end,
        start_new_session=True,
    )
    os.close(other_end)
    try:
        yield Terminal(end, program)
    finally:
        program.kill()
        program.wait()
        os.close(end)
