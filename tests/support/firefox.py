"""Firefox without a window, by Marionette, the protocol of its own that needs no driver beside it
(https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html)."""

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from tests.support.app_process import free_port

ENTER = "\ue007"

# Seconds that anything may take on a slow, busy machine.
TIMEOUT = 30.0


class Firefox:
    """One tab."""

    def __init__(self, port: int) -> None:
        self._socket, self._number, self._rest = _connected(port), 0, b""
        self._read()  # What it says of itself.
        self._ask("WebDriver:NewSession")

    def open(self, url: str) -> None:
        """Go there."""
        self._ask("WebDriver:Navigate", url=url)

    def reload(self) -> None:
        """Load the page again."""
        self._ask("WebDriver:Refresh")

    def run(self, script: str) -> Any:
        """What an expression is on the page."""
        # In the same sandbox each time, or what was put on the window is lost.
        about = {"script": f"return {script}", "args": [], "newSandbox": False}
        answer = self._ask("WebDriver:ExecuteScript", **about)
        return answer["value"]

    def wait(self, script: str) -> Any:
        """Wait until it is true."""
        until, value = time.monotonic() + TIMEOUT, None
        while time.monotonic() < until:
            if value := self.run(script):
                return value
            time.sleep(0.05)
        raise AssertionError(f"{script} is {value!r}")

    def type(self, selector: str, text: str) -> None:
        """Type into this element."""
        self._ask("WebDriver:ElementSendKeys", id=self._find(selector), text=text)

    def click(self, selector: str) -> None:
        """Press this element."""
        self._ask("WebDriver:ElementClick", id=self._find(selector))

    def resize(self, width: int, height: int) -> None:
        """Make the window as large."""
        self._ask("WebDriver:SetWindowRect", width=width, height=height)

    def quit(self) -> None:
        """End it."""
        with suppress(OSError, AssertionError):
            self._ask("Marionette:Quit", flags=["eForceQuit"])

    def _find(self, selector: str) -> str:
        found = self._ask("WebDriver:FindElement", using="css selector", value=selector)
        return str(next(iter(found["value"].values())))

    def _ask(self, command: str, **about: Any) -> dict[str, Any]:
        self._number += 1
        message = json.dumps([0, self._number, command, about]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, answer = self._read()
        assert not error, error
        return dict(answer or {})

    def _read(self) -> Any:
        while b":" not in self._rest:
            self._rest += self._socket.recv(65_536)
        length, _, message = self._rest.partition(b":")
        while len(message) < int(length):
            message += self._socket.recv(65_536)
        message, self._rest = message[: int(length)], message[int(length) :]
        return json.loads(message)


def _connected(port: int) -> socket.socket:
    until = time.monotonic() + TIMEOUT
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), TIMEOUT)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@contextmanager
def run_firefox() -> Iterator[Firefox]:
    """Firefox, until the end; the test is skipped where there is none."""
    program = which("firefox-esr") or which("firefox")
    if not program:
        pytest.skip("There is no Firefox")
    port = free_port()
    # Snap's Firefox reads no folder of /tmp.
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".firefox-") as profile:
        preference = f'user_pref("marionette.port", {port});\n'
        Path(profile, "user.js").write_text(preference, encoding="utf-8")
        quiet = subprocess.DEVNULL
        options = ["--headless", "--marionette", "--no-remote", "--profile", profile]
        with subprocess.Popen([program, *options], stdout=quiet, stderr=quiet) as process:
            try:
                firefox = Firefox(port)
                yield firefox
                firefox.quit()
            finally:
                process.terminate()
