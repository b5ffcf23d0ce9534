"""Stores and services of an owner's own, which the agent's folder names as ADK asks for it."""

import re
from pathlib import Path

import pytest
from google.adk.cli import service_registry
from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse

from agent.chat.loader import LoadedAgent, LoadError, load
from agent.core.settings import Settings
from agent.page.header import REMEMBERS_FOR_GOOD, where_chats_are_kept
from agent.stores.cleanup import InMemoryStore
from agent.stores.fallback import FallbackStore
from agent.stores.host_memory import HostMemory
from tests.support.agent_folder import HELPER, Write

KINDS = """
    from google.adk.artifacts import InMemoryArtifactService
    from google.adk.memory import InMemoryMemoryService
    from google.adk.sessions import InMemorySessionService

    class Sessions(InMemorySessionService):
        def __init__(self, uri, **others):
            super().__init__()
            self.uri = uri

    class Artifacts(InMemoryArtifactService):
        def __init__(self, uri, **others):
            super().__init__()

    class Memories(InMemoryMemoryService):
        def __init__(self, uri, **others):
            super().__init__()
"""

REGISTERS = """
    from google.adk.cli.service_registry import get_service_registry
    from loading_test_kinds import Artifacts, Memories, Sessions

    registry = get_service_registry()
    registry.register_session_service("mine", lambda uri, **others: Sessions(f"{uri}{WHOSE}"))
    registry.register_artifact_service("mine", Artifacts)
    registry.register_memory_service("mine", Memories)
"""

NAMES = """
    services:
      - {scheme: mine, type: session, class: loading_test_kinds.Sessions}
      - {scheme: mine, type: artifact, class: loading_test_kinds.Artifacts}
      - {scheme: mine, type: memory, class: loading_test_kinds.Memories}
"""


def py(whose: str) -> str:
    return REGISTERS.replace("{WHOSE}", whose)


FORMS = {
    "services.py": ({"services.py": py("-py"), "loading_test_kinds.py": KINDS}, "-py"),
    "services.yaml": ({"services.yaml": NAMES, "loading_test_kinds.py": KINDS}, ""),
    "services.yml": ({"services.yml": NAMES, "loading_test_kinds.py": KINDS}, ""),
    "both": (
        {"services.yaml": NAMES, "services.py": py("-py"), "loading_test_kinds.py": KINDS},
        "-py",
    ),
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, clean_imports: None) -> None:
    for name in ("SESSION_DB", "ARTIFACTS", "MEMORY_SERVICE"):
        monkeypatch.setenv(name, "mine://me:open-sesame@here")
    monkeypatch.setattr(service_registry, "_service_registry_instance", None)


def services(loaded: LoadedAgent) -> tuple[str, str, str]:
    """The URI of the session store, and the kinds of the others."""
    store, memory = loaded.runner.session_service, loaded.runner.memory_service
    assert isinstance(store, FallbackStore)
    assert isinstance(memory, HostMemory)
    kinds = type(loaded.runner.artifact_service).__name__, type(memory.real).__name__
    return str(getattr(store.real, "uri", "")), *kinds


@pytest.mark.parametrize(("files", "whose"), FORMS.values(), ids=FORMS)
def test_the_agents_folder_names_services(files: dict[str, str], whose: str, folder: Write) -> None:
    loaded = load(folder({"agent.py": HELPER, **files}))
    uri = f"mine://me:open-sesame@here{whose}"
    assert services(loaded) == (uri, "Artifacts", "Memories")


def test_the_folder_above_names_them_for_all_its_agents(folder: Write, tmp_path: Path) -> None:
    above = folder({"services.py": py("-above"), "loading_test_kinds.py": KINDS}, "agents")
    path = folder({"agent.py": HELPER}, "agents/loading_test_below")
    assert services(load(path))[0].endswith("-above")
    (path / "services.py").write_text((above / "services.py").read_text().replace("-above", "-own"))
    assert services(load(path))[0].endswith("-own")


def test_services_that_cannot_be_had_are_told_with_what_is_missing_and_no_password(
    folder: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder({"agent.py": HELPER, "services.py": "import no_such_store_at_all\n"})
    with pytest.raises(LoadError, match="SESSION_DB cannot be used") as caught:
        load(path)
    assert "what the agent's services.py names" in str(caught.value)
    assert f"Without what {path}/services.py names: No module named 'no_such_store" in caplog.text
    assert re.search("pip install no-such-store-at-all", caplog.text)
    assert "sesame" not in f"{caught.value}{caplog.text}"
    for name in ("SESSION_DB", "ARTIFACTS", "MEMORY_SERVICE"):
        monkeypatch.setenv(name, "memory://")
    assert load(path).description == "Helps."  # As `adk web` goes on.


def test_services_that_end_the_program_are_told(folder: Write) -> None:
    with pytest.raises(LoadError, match="SystemExit"):
        load(folder({"agent.py": HELPER, "services.py": "raise SystemExit\n"}))


def test_the_page_says_that_an_owners_own_memory_does_not_forget(folder: Write) -> None:
    loaded = load(folder({"agent.py": HELPER, **FORMS["services.py"][0]}))
    assert where_chats_are_kept(loaded, Settings()).endswith(REMEMBERS_FOR_GOOD)


class Notes(BaseMemoryService):
    """A memory service that has a method of its own, and no way to forget."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    async def add_session_to_memory(self, session: object) -> None:
        """Note nothing."""

    async def search_memory(self, **_: object) -> SearchMemoryResponse:
        """Find nothing."""
        return SearchMemoryResponse()

    def count(self) -> int:
        """How many notes there are."""
        return len(self.notes)


def test_what_a_service_has_of_its_own_is_reached_by_tools() -> None:
    memory = HostMemory(Notes(), InMemoryStore())
    memory.notes.append("one")
    assert memory.count() == 1
    with pytest.raises(AttributeError):
        memory.no_such_method()
