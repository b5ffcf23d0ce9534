"""Which stores a host gets for which URI, and the sentence where there is none."""

from pathlib import Path
from typing import Any

import pytest
from google.adk.artifacts import BaseArtifactService, FileArtifactService, InMemoryArtifactService
from google.adk.memory._sqlite_memory_service import SqliteMemoryService
from google.adk.sessions import InMemorySessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types

from agent.chat.conversation import Conversation
from agent.chat.load_errors import LoadError
from agent.chat.loader import load
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import notices
from agent.page.header import REMEMBERS_FOR_GOOD, where_chats_are_kept
from agent.stores.fallback import FallbackStore
from agent.stores.host_memory import HostMemory
from agent.stores.memory import ForgettingMemory, VisitorMemory


def sessions() -> FallbackStore:
    store = load().runner.session_service
    assert isinstance(store, FallbackStore)
    return store


def artifacts() -> BaseArtifactService:
    store = load().runner.artifact_service
    assert store
    return store


def memory() -> ForgettingMemory:
    service = load().runner.memory_service
    assert isinstance(service, ForgettingMemory)
    return service


async def said_by(conversation: Conversation) -> list[str]:
    return notices(await conversation.ask("What is 2+2?").finish())


def test_conversations_are_kept_where_the_uri_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isinstance(sessions().real, InMemorySessionService)
    monkeypatch.setenv("SESSION_DB", f"sqlite:///{tmp_path}/chats.db")
    assert isinstance(sessions().real, SqliteSessionService)
    assert not sessions().is_shared


async def test_a_host_who_asked_for_memory_gets_no_warning_and_one_who_did_not_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await said_by(Conversation(load().runner, Settings())) == []
    monkeypatch.delenv("SESSION_DB")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert await said_by(Conversation(load().runner, Settings())) == [SENTENCES["not_stored"]]


def test_many_machines_share_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("asyncpg")
    monkeypatch.setenv("SESSION_DB", "postgresql+asyncpg://chats:open-sesame@127.0.0.1/chats")
    assert sessions().is_shared


@pytest.mark.parametrize(
    "uri", ["mysql+nodriver://me:open-sesame@h/x", "open-sesame", "sqlite+open-sesame:///x"]
)
def test_a_store_that_there_is_not_is_told_of_without_the_password(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_DB", uri)
    with pytest.raises(LoadError, match="SESSION_DB cannot be used") as caught:
        load()
    assert "sesame" not in str(caught.value)


async def test_files_are_kept_in_memory_or_where_the_uri_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isinstance(artifacts(), InMemoryArtifactService)
    monkeypatch.setenv("ARTIFACTS", f"file://{tmp_path}")
    store = artifacts()
    assert isinstance(store, FileArtifactService)
    whose: dict[str, Any] = {"app_name": "agent", "user_id": "ann", "session_id": "one"}
    await store.save_artifact(**whose, filename="a.txt", artifact=types.Part(text="kept"))
    found = await artifacts().load_artifact(**whose, filename="a.txt")
    assert found
    assert found.text == "kept"


@pytest.mark.parametrize("uri", ["nowhere://x", "open-sesame", "file://elsewhere/open-sesame"])
def test_a_place_for_files_that_there_is_not_is_told_of(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIFACTS", uri)
    with pytest.raises(LoadError, match="ARTIFACTS cannot be used") as caught:
        load()
    assert "sesame" not in str(caught.value)


def test_memories_are_kept_here_or_where_the_uri_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isinstance(memory(), VisitorMemory)
    monkeypatch.setenv("MEMORY_SERVICE", "memory://")
    assert isinstance(memory(), VisitorMemory)
    monkeypatch.setenv("MEMORY_SERVICE", f"sqlite:///{tmp_path}/memories.db")
    assert isinstance(kept := memory(), HostMemory)
    assert isinstance(kept.real, SqliteMemoryService)


def test_the_page_says_where_memories_stay_though_a_chat_is_deleted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEMORY_SERVICE", f"sqlite:///{tmp_path}/memories.db")
    assert where_chats_are_kept(load(), Settings()).endswith("after their last message.")
    monkeypatch.delattr(SqliteMemoryService, "_get_db_connection")
    assert where_chats_are_kept(load(), Settings()).endswith(REMEMBERS_FOR_GOOD)


@pytest.mark.parametrize(
    "uri",
    [
        "nowhere://me:open-sesame@x",
        "open-sesame",
        "rag://open-sesame",
        "sqlite:////dev/null/sesame/x",
    ],
)
def test_a_place_for_memories_that_there_is_not_is_told_of(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_SERVICE", uri)
    with pytest.raises(LoadError, match="MEMORY_SERVICE cannot be used") as caught:
        load()
    assert "sesame" not in str(caught.value)
