"""Where chats and files are kept by default, and what is said about how long."""

from pathlib import Path
from textwrap import dedent

import pytest

from agent.chat.loader import LoadedAgent, load
from agent.core.settings import Settings
from agent.page.header import describe
from agent.stores import places
from agent.stores.places import artifact_uri, is_emptied, session_uri
from tests.support.agent_folder import HELPER

FOLDER = Path("/home/user/app/agent")


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Space with persistent storage."""
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    monkeypatch.setattr(places, "SPACE_STORAGE", tmp_path)
    return tmp_path


@pytest.fixture
def space(storage: Path) -> None:
    """A Space without."""
    storage.rmdir()


def test_on_a_space_its_persistent_storage_is_used_by_itself(storage: Path) -> None:
    assert session_uri(None) == f"sqlite:///{storage}/session.db"
    assert artifact_uri(None, None) == f"file://{storage}/artifacts"
    assert not is_emptied(session_uri(None), FOLDER)


def test_what_the_host_sets_wins(storage: Path) -> None:
    assert session_uri("memory://") == artifact_uri("memory://", None) == "memory://"


def test_elsewhere_a_folder_of_that_name_is_none(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPACE_ID")
    assert (session_uri(None), artifact_uri(None, None)) == (None, None)


def test_storage_that_cannot_be_written_to_is_none(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert session_uri(None) is None


@pytest.mark.usefixtures("space")
@pytest.mark.parametrize(
    ("uri", "emptied"),
    [
        (None, True),
        ("sqlite:///chats.db", True),
        ("sqlite:////tmp/chats.db", True),
        ("sqlite+aiosqlite:////tmp/chats.db", True),
        ("postgresql+asyncpg://nobody@host/chats", False),
        ("agentengine://1", False),
    ],
)
def test_all_else_on_a_spaces_disk_is_emptied(uri: str | None, emptied: bool) -> None:
    assert is_emptied(uri, FOLDER) is emptied


def test_on_ones_own_machine_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert not is_emptied(None, FOLDER)


def test_a_containers_own_disk_is_and_a_volume_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K_SERVICE", "chat")
    monkeypatch.setattr("os.path.ismount", lambda path: str(path) in ("/", str(tmp_path)))
    assert is_emptied("sqlite:////srv/chats.db", FOLDER)
    assert not is_emptied(f"sqlite:///{tmp_path}/chats.db", FOLDER)


# What the page says


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> LoadedAgent:
    (folder / "agent.py").write_text(dedent(HELPER))
    monkeypatch.setenv("SESSION_DB", uri)
    return load(folder)


MEMORY = "in this server's memory, until it restarts or for 7 days"
DISK = "on this server, until it restarts or for 7 days"
STORED = "on this server for 7 days"


@pytest.mark.parametrize(
    ("with_storage", "uri", "said"),
    [
        (True, "", STORED),
        (False, "", DISK),
        (False, "memory://", MEMORY),
        (True, "memory://", MEMORY),
        (True, "sqlite:////tmp/elsewhere.db", DISK),
    ],
)
def test_what_is_said_about_keeping_is_true(
    storage: Path,
    with_storage: bool,
    uri: str,
    said: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not with_storage:
        storage.rmdir()
    agent = loaded(tmp_path_factory.mktemp("places_test_"), monkeypatch, uri)
    assert f"*Chats are kept {said} after their last message.*" in describe(agent, Settings())


@pytest.mark.parametrize(
    ("chats", "files"),
    [
        (None, None),
        ("sqlite:///chats.db", None),
        ("memory://", "memory://"),
        ("postgresql+asyncpg://host/chats", "memory://"),
    ],
)
def test_files_are_kept_where_chats_are_kept_in_a_file(
    chats: str | None, files: str | None
) -> None:
    assert artifact_uri(None, chats) == files
