"""The same folder under ADK's own tools, each started for real."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.adk.sessions import Session
from house import ROOT, conversation, free_port, run, say, served
from scripted_model import ScriptedModel, call, thought

from agent.keepsakes import to_adk
from agent.recall import recall

ADK = Path(sys.executable).with_name("adk")


def post(url: str, body: Any) -> str:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return str(urllib.request.urlopen(request, timeout=60).read().decode())


@contextmanager
def server(command: str) -> Iterator[str]:
    port = free_port()
    arguments = [str(ADK), command, "--session_service_uri=memory://", "--port", str(port), "."]
    with served(arguments):
        yield f"http://127.0.0.1:{port}"


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
    with server(command) as url:
        assert json.load(urllib.request.urlopen(f"{url}/list-apps")) == ["agent"]
        post(f"{url}/apps/agent/users/ann/sessions/one", {})
        message = {"role": "user", "parts": [{"text": "What is 12*7?"}]}
        turn = {"appName": "agent", "userId": "ann", "sessionId": "one", "newMessage": message}
        assert "- result: 84" in post(f"{url}/run_sse", {**turn, "streaming": True})


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
    return [(turn.question, turn.transcript) for turn in recall(session.events)]


def test_adk_imports_a_conversation_that_was_saved_for_it() -> None:
    """As `adk web` does: its page sends the events and the state of the file."""
    session = run(a_conversation())
    file = json.loads(to_adk(session, "Weather"))
    with server("api_server") as url:
        home = f"{url}/apps/agent/users/ann/sessions"
        id = json.loads(post(home, {"events": file["events"], "state": file["state"]}))["id"]
        there = Session.model_validate_json(urllib.request.urlopen(f"{home}/{id}").read())
    kept = Session.model_validate(file).events
    assert [event.model_dump() for event in there.events] == [event.model_dump() for event in kept]
    assert told(there) == told(session)
    assert there.state == {"__session_metadata__": {"displayName": "Weather"}}
