"""A tool that would end the app does not; and if the server does end, so does the process."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.app_process import App
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

AGENT = """
import asyncio, sys
from google.adk.agents import Agent

def leave():
    "Leave."
    sys.exit(3)

async def leave_async():
    "Leave."
    sys.exit(3)

async def stop_loop():
    "Stop the event loop."
    asyncio.get_running_loop().stop()

def leave_soon():
    "Leave in a callback of the event loop."
    raise SystemExit

async def call_soon():
    "Leave in a callback of the event loop."
    asyncio.get_running_loop().call_soon(leave_soon)

root_agent = Agent(name="leaver", model="gemini-2.5-flash", tools=[
    leave, leave_async, stop_loop, call_soon,
])
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """The app with an agent whose tools end programs."""
    folder = tmp_path / "leaver"
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    app = App(str(folder))
    yield app
    if app.program.stdout and not app.program.stdout.closed:
        app.end(signal.SIGKILL)


def ask(app: App, query: str) -> str:
    with httpx.stream("GET", f"{app.url}chat/stream", params={"query": query}, timeout=60) as reply:
        return reply.read().decode()


@pytest.mark.parametrize("tool", sample(["leave", "leave_async"]))
def test_a_tool_that_calls_sys_exit_ends_its_call_alone(app: App, tool: str) -> None:
    said = ask(app, f"/call {tool}")
    assert '"result": {"error": "SystemExit: 3"}' in said
    assert "[DONE]" in said
    assert httpx.get(f"{app.url}healthz").json() == {"status": "ok"}


def test_an_end_that_is_asked_for_is_a_good_one(app: App) -> None:
    assert app.end() == 0
    assert "by itself" not in "".join(app.said)


@pytest.mark.parametrize("tool", ["stop_loop", "call_soon"])
def test_when_the_server_has_ended_the_process_ends_too(app: App, tool: str) -> None:
    with pytest.raises(httpx.HTTPError):
        ask(app, f"/call {tool}")
    assert app.program.wait(60) == 1
    said = app.program.stdout.read() if app.program.stdout else ""
    assert "The server has ended by itself, and so the app ends." in said
