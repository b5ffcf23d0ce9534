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
from house import ROOT, free_port, served

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
