"""Files that an agent makes: the same bytes here as by `adk api_server`."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.adk_server import get, post, server
from tests.support.app_process import ROOT
from tests.support.app_setup import GEMINI, launched, loaded_root
from tests.support.fake_gemini import Call, FakeGemini, Image
from tests.support.file_agents import CSV, PNG, agent
from tests.support.sse_client import ask, said

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

AGENT = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.support.file_agents import agent
root_agent = agent({GEMINI!r})
"""

# What a tool saves, and what the model itself makes, which has no name.
MADE = {("fox.png", PNG), ("colours.csv", CSV.encode()), ("", PNG[::-1])}


def enqueue(gemini: FakeGemini) -> None:
    gemini.enqueue(Call("paint", {"subject": "fox"}))
    gemini.enqueue("Here it is.", Image("image/png", PNG[::-1]))


def here() -> Iterator[tuple[str, bytes]]:
    with launched(loaded_root(agent(GEMINI)), request_retries=0) as url:
        for kind, told in said(ask(url, "Paint a fox.")):
            if kind == "file":
                data = base64.b64decode(told.get("data", ""))
                yield told.get("name", ""), data or httpx.get(url + told["url"]).content


def there(folder: Path) -> Iterator[tuple[str, bytes]]:
    (folder / "files_agent").mkdir()
    (folder / "files_agent" / "agent.py").write_text(AGENT)
    options = "--session_service_uri=memory://", "--artifact_service_uri=memory://"
    with server("api_server", *options, folder=folder) as url:
        session = f"{url}/apps/files_agent/users/ann/sessions/one"
        post(session, {})
        message = {"role": "user", "parts": [{"text": "Paint a fox."}]}
        about = {"appName": "files_agent", "userId": "ann", "sessionId": "one"}
        answer = post(f"{url}/run_sse", {**about, "newMessage": message, "streaming": True})
        events: list[dict[str, Any]] = [
            json.loads(line.removeprefix("data: "))
            for line in answer.splitlines()
            if line.startswith("data: ")
        ]
        for event in events:
            for name in event.get("actions", {}).get("artifactDelta", {}):
                part = get(f"{session}/artifacts/{name}")
                yield name, base64.urlsafe_b64decode(part["inlineData"]["data"])
            for part in (
                event.get("content", {}).get("parts", []) if not event.get("partial") else []
            ):
                if blob := part.get("inlineData"):
                    yield blob.get("displayName", ""), base64.urlsafe_b64decode(blob["data"])


def test_files_of_an_answer_are_the_same_bytes_by_adks_own_server(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    enqueue(gemini)
    assert set(here()) == MADE
    enqueue(gemini)
    assert set(there(tmp_path)) == MADE
