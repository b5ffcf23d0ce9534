"""A key is taken as the host meant it, or refused in a sentence; nothing that fails quotes it."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agent.chat.conversation import Conversation
from agent.chat.load_errors import LoadError
from agent.chat.loader import load
from agent.core.environment import _complaint
from agent.core.settings import Settings
from agent.limits.counters import Counters
from tests.support.app_setup import say
from tests.support.fake_gemini import FakeGemini, Status

KEY = "AIzaSyD-sentinel-key-of-the-host"


AGENT = """
from google.adk.agents import Agent
root_agent = Agent(name="helper", model="gemini-3.5-flash")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agent's folder, of a name that Python has not imported yet.

    With a fake Gemini, that one first: what is undone last would put its key back.
    """
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / f"keys_test_{abs(hash(tmp_path))}"
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    return folder


async def stored(folder: Path, message: str) -> str:
    """All that is stored of a conversation with one turn."""
    conversation = Conversation(load(folder).runner, Settings(request_retries=0))
    await say(conversation, message)
    session = await conversation.runner.session_service.get_session(
        app_name=conversation.runner.app_name,
        user_id=conversation.user_id,
        session_id=conversation.session_id or "",
    )
    return session.model_dump_json() if session else ""


async def test_an_error_that_quotes_the_key_is_stored_without_its_words(
    gemini: FakeGemini, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    gemini.always(Status(400, "INVALID_ARGUMENT", f"API key {KEY} is not valid"))
    session = await stored(folder, "Hello")
    assert "INVALID_ARGUMENT" in session
    assert KEY not in session


@pytest.mark.parametrize("name", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
@pytest.mark.parametrize(
    "character", ["\n", "\r\nX: ", " ", "\t", "\x01", "–", "\u200b", "é", "\udcff"]
)
def test_a_key_that_cannot_be_sent_is_refused_and_not_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, character: str
) -> None:
    monkeypatch.setenv(name, f"{KEY}{character}{KEY}")
    with pytest.raises(LoadError, match=f"{name} holds .* Copy the key") as caught:
        load(folder)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}\r\n", f"\t{KEY}\u00a0"])
async def test_blanks_around_a_key_do_no_harm(
    gemini: FakeGemini, folder: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", key)
    gemini.always("Fine.")
    assert "Fine." in await stored(folder, "Hello")
    assert (os.environ["GOOGLE_API_KEY"], gemini.requests[0].key) == (KEY, KEY)


def test_a_blank_key_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", " \n")
    assert load(folder).is_offline


SECRETS = [name for name, field in Settings.model_fields.items() if "Secret" in repr(field)]


@pytest.mark.parametrize("name", SECRETS)
def test_a_complaint_about_a_secret_does_not_quote_it(name: str) -> None:
    wrong: Any = {"loc": (name,), "input": KEY, "msg": "Input should be better", "type": "x"}
    assert _complaint(wrong) == f"{name.upper()} cannot be used: input should be better."


@pytest.mark.parametrize("uri", [f"nosuch://u:{KEY}@h/x", f"postgresql+nosuch://u:{KEY}@h/x", KEY])
def test_a_database_that_cannot_be_used_keeps_its_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("SESSION_DB", uri)
    with pytest.raises(LoadError, match="SESSION_DB cannot be used") as caught:
        load(folder)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("uri", [f"nosuch://:{KEY}@h", f"redis://:{KEY}@h:x/y", KEY])
def test_a_store_of_counts_that_cannot_be_used_keeps_its_password(uri: str) -> None:
    with pytest.raises(ValueError, match="LIMITS_STORE cannot be used") as caught:
        Counters(SecretStr(uri))
    assert KEY not in str(caught.value)
