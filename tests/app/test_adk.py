"""The same folder under ADK's own tools, each started for real."""

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.adk.sessions import Session

from agent.core.history import turn_records
from agent.render.export import to_adk
from tests.support.adk_server import ADK, get, post, server
from tests.support.app_process import ROOT, App
from tests.support.app_setup import conversation, say
from tests.support.scripted_model import ScriptedModel, call, thought

pytestmark = pytest.mark.slow


def test_adk_run_answers_from_the_same_folder() -> None:
    said = subprocess.run(
        [ADK, "run", "--session_service_uri=memory://", "agent", "What is 12*7?"],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        input="",
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert "- result: 84" in said.stdout


@pytest.mark.parametrize("command", ["web", "api_server"])
def test_adk_servers_answer_from_the_same_folder(command: str) -> None:
    with server(command, "--session_service_uri=memory://") as url:
        assert get(f"{url}/list-apps") == ["agent"]
        post(f"{url}/apps/agent/users/ann/sessions/one", {})
        message = {"role": "user", "parts": [{"text": "What is 12*7?"}]}
        turn = {"appName": "agent", "userId": "ann", "sessionId": "one", "newMessage": message}
        assert "- result: 84" in post(f"{url}/run_sse", {**turn, "streaming": True})


# As `adk eval` looks for it, of which that part needs no extra.
FIND = """
import asyncio, json, sys
from google.adk.cli.cli_eval import get_app_or_root_agent
app, root = asyncio.run(get_app_or_root_agent(sys.argv[1]))
print(json.dumps([getattr(app, "name", None), root.name, "gradio" in sys.modules]))
"""


def found_by_adk_eval(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `adk eval` takes this folder's agent for."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FIND, str(folder)],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_adk_eval_finds_the_agent_in_the_same_folder_and_an_app_in_its_place(
    tmp_path: Path,
) -> None:
    done = found_by_adk_eval(ROOT / "agent")
    assert (done.stdout, done.returncode) == ('[null, "chat_assistant", false]\n', 0), done.stderr
    shutil.copytree(ROOT / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns(".*"))
    owners = tmp_path / "agent" / "agent.py"
    owners.write_text(
        owners.read_text() + "\nfrom google.adk.apps import App\n"
        'app = App(name="mine", root_agent=root_agent)\n'
    )
    assert found_by_adk_eval(owners.parent).stdout == '["mine", "chat_assistant", false]\n'
    # What is missing is said, and not that there is no agent.
    owners.write_text("import not_installed_anywhere\n")
    assert "No module named 'not_installed_anywhere'" in found_by_adk_eval(owners.parent).stderr
    owners.unlink()
    assert "should have either `root_agent`" in found_by_adk_eval(owners.parent).stderr


def test_the_package_alone_imports_neither_the_agent_nor_gradio() -> None:
    told = "import agent, sys; print('agent.agent' in sys.modules, 'gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False False\n"


def look(city: str) -> str:
    """Look out of the window."""
    return f"Sun in {city}"


async def a_conversation() -> Session:
    """One of a tool, a thought, a failure, a turn taken back, and a name."""
    model = ScriptedModel()
    talk = conversation(model, agent={"tools": [look]})
    model.enqueue(thought("Hm."), call("look", city="Oslo"))
    model.enqueue("Sun.")
    model.enqueue("Whole.")
    model.enqueue("Half", RuntimeError("broken"))
    await say(talk, "How is Oslo?")
    await say(talk, "Taken back")
    await say(talk, "And Rome?", kept=1)
    await talk.rename("Weather")
    session = await talk.session()
    assert session
    return session


def told(session: Session) -> list[Any]:
    return [(turn.question, turn.transcript) for turn in turn_records(session.events)]


def test_adk_imports_a_conversation_that_was_saved_for_it() -> None:
    """As `adk web` does: its page sends the events and the state of the file."""
    session = asyncio.run(a_conversation())
    file = json.loads(to_adk(session, "Weather"))
    with server("api_server") as url:
        home = f"{url}/apps/agent/users/ann/sessions"
        id = json.loads(post(home, {"events": file["events"], "state": file["state"]}))["id"]
        there = Session.model_validate_json(urllib.request.urlopen(f"{home}/{id}").read())
    kept = Session.model_validate(file).events
    assert [event.model_dump() for event in there.events] == [event.model_dump() for event in kept]
    assert told(there) == told(session)
    assert there.state == {"__session_metadata__": {"displayName": "Weather"}}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agent in a folder of its own, which finds this app's modules."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "tester").mkdir()
    (tmp_path / "tester" / "__init__.py").touch()
    shutil.copy(ROOT / "agent" / "agent.py", tmp_path / "tester")
    return tmp_path / "tester"


def test_adk_web_opens_the_conversations_that_testers_had_on_the_page(copy: Path) -> None:
    app = App(str(copy), SESSION_DB="")
    said = post(f"{app.url}chat/stream", {"query": "What is 12*7?"})
    app.end(signal.SIGKILL)
    (session,) = re.findall(r'"session_id": ?"(.+?)"', said)
    with server("web", folder=copy.parent) as url:
        user = f"{url}/apps/tester/users/visitor-{session}/sessions"
        assert [chat["id"] for chat in get(user)] == [session]
        events = get(f"{user}/{session}")["events"]
    assert [event["id"] for event in events] == stored(copy / ".adk" / "session.db")
    assert events[0]["content"]["parts"][0]["text"] == "What is 12*7?"
    assert "- result: 84" in events[-1]["content"]["parts"][0]["text"]


def stored(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return [id for (id,) in file.execute("SELECT id FROM events ORDER BY timestamp, rowid")]
