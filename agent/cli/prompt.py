"""The input of somebody at a terminal: typed, pasted, or sent through a pipe."""

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

# Seconds of silence after which a paste is over: a terminal hands all of it over at once.
PASTE_GAP = 0.05

# Seconds after which a wait for the end of a pipe is told.
PIPE_TIMEOUT = 3.0

WAITING = "(Reading standard input, until it ends. If nothing is to come from there: < /dev/null)"

HOW_TO_LEAVE = "(Type exit to leave.)"


def typed_questions() -> Iterator[str]:
    """What is typed after a prompt, until the end of input; several lines, if they are pasted.

    Ctrl-C throws away what has been typed.
    """
    with suppress(ImportError):  # Not on Windows.
        import readline  # It gives `input` its arrow keys.

        # A terminal then marks what is pasted, and GNU's readline takes all of it for one line.
        readline.parse_and_bind("set enable-bracketed-paste on")
    while True:
        try:
            line = input("\nYou: ")
            yield line + _rest_of_paste()
        except KeyboardInterrupt:
            print(f"\n{HOW_TO_LEAVE}")  # noqa: T201
        except EOFError:
            print()  # noqa: T201
            return


def somebody_answers() -> bool:
    """Whether a person is at the terminal, and sees the questions there."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def typed_reply(prompt: str) -> str:
    """The line that is typed after this prompt, with the rest of a paste.

    Everything typed before it is thrown away: nobody may approve what was not on the screen yet.

    Raises:
        EOFError: at the end of input.
    """
    with suppress(ImportError):  # On Windows.
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    # Standard output gets the answer alone: `input` would write the prompt there.
    if not sys.stdout.isatty():
        print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201
        prompt = ""
    return input(prompt) + _rest_of_paste()


def _rest_of_paste() -> str:
    """The other lines of a paste, where neither terminal nor readline marks it; "" where there are
    none."""
    try:
        import select
        import termios
        import tty
    except ImportError:  # On Windows each line is a question.
        return ""
    terminal = sys.stdin.fileno()
    rest = b""
    before = termios.tcgetattr(terminal)
    # Else what has no line's end yet could not be read. What has come already is kept.
    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        while select.select([terminal], [], [], PASTE_GAP)[0]:
            if not (more := os.read(terminal, 65_536)):
                break
            rest += more
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
    text = rest.decode(sys.stdin.encoding, "replace").replace("\r", "\n")
    print(text, end="" if text.endswith("\n") or not text else "\n")  # noqa: T201
    return f"\n{text}" if text else ""


def piped_text() -> str:
    """The text of standard input, if that is a pipe or a file; else "", as it may never end."""
    try:
        kind = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # It is closed.
        return ""
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind)):
        return ""
    # A program that starts this one may leave a pipe open in which nothing ever comes.
    reminder = threading.Timer(PIPE_TIMEOUT, print, (WAITING,), {"file": sys.stderr})
    reminder.daemon = True
    reminder.start()
    try:
        return sys.stdin.read()
    finally:
        reminder.cancel()
