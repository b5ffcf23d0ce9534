"""Where chats and files are kept by default, and whether that outlasts a restart of the server."""

import os
from pathlib import Path

# Where Hugging Face puts a Space's persistent storage, where its host has added some. The rest of a
# Space's disk is emptied at each restart.
SPACE_STORAGE = Path("/data")

# Set where the disk is a container's own, which is new at each start: on Cloud Run and Kubernetes.
CONTAINERS = ("K_SERVICE", "KUBERNETES_SERVICE_HOST")


def session_uri(given: str | None) -> str | None:
    """The URI of the session store: the host's; or on a Space with persistent storage a file there;
    or None for ADK's own choice."""
    return given or (f"sqlite:///{SPACE_STORAGE / 'session.db'}" if _has_storage() else None)


def artifact_uri(given: str | None, chats: str | None) -> str | None:
    """The URI of the store of files that the agent makes: the host's; or on a Space with persistent
    storage a folder there; or in memory, where the chats are in memory or in a database; or None
    for ADK's own choice.

    Args:
        given: The host's URI, if it has set one.
        chats: The URI of the store of chats.
    """
    if given or _has_storage():
        return given or f"file://{SPACE_STORAGE / 'artifacts'}"
    return None if chats is None or chats.startswith("sqlite") else "memory://"


def is_emptied(uri: str | None, folder: Path) -> bool:
    """Whether the store's file, if it is one, is on a disk that a restart empties.

    Args:
        uri: The store's; None for ADK's own choice, `.adk/session.db` in the folder.
        folder: The agent's.
    """
    scheme, _, name = (uri or "sqlite:///").partition(":///")
    if not scheme.startswith("sqlite") or name == ":memory:":
        return name == ":memory:"
    file = Path(name if uri else folder / ".adk/session.db").absolute()
    if "SPACE_ID" in os.environ:
        return not file.is_relative_to(SPACE_STORAGE)
    return any(name in os.environ for name in CONTAINERS) and _mount_of(file) == Path("/")


def _has_storage() -> bool:
    is_there = "SPACE_ID" in os.environ and SPACE_STORAGE.is_dir()
    return is_there and os.access(SPACE_STORAGE, os.W_OK | os.X_OK)


def _mount_of(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if os.path.ismount(parent))
