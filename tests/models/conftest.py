"""A recording, and an agent that is loaded to make it or to play it."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from agent.chat import recordings
from agent.chat.loader import LoadedAgent, load
from tests.support.recorded_agent import AGENT, Load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recording.jsonl"


@pytest.fixture
def an_agent(
    tmp_path: Path, clean_imports: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Load]:
    """Loads the agent of a folder, as in a new process with these environment variables."""
    number = 0

    def load_it(text: str = AGENT, **environment: Any) -> LoadedAgent:
        nonlocal number
        number += 1
        for cached in (recordings.open_recorder, recordings.open_recording):
            cached.cache_clear()
        for name in ("RECORD", "REPLAY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        if "REPLAY" in environment:
            monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
        path = tmp_path / f"loading_test_recording_{number}" / "watcher"
        path.mkdir(parents=True)
        (path / "agent.py").write_text(dedent(text))
        monkeypatch.setenv("SESSION_DB", "memory://")
        return load(path, coalesce=True)

    yield load_it
    recordings._tell_not_recorded.cache_clear()
