"""The stores and services that the host names by their URIs, or that `adk web` would take; an
owner's own kinds of them, too."""

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from google.adk.artifacts import BaseArtifactService, InMemoryArtifactService
from google.adk.cli.service_registry import load_services_module
from google.adk.cli.utils.local_storage import PerAgentDatabaseSessionService
from google.adk.cli.utils.service_factory import (
    create_artifact_service_from_options,
    create_memory_service_from_options,
    create_session_service_from_options,
)
from google.adk.memory import InMemoryMemoryService
from google.adk.sessions import BaseSessionService, InMemorySessionService
from pydantic import SecretStr

from agent.chat.load_errors import LoadError, how_to_install
from agent.core.environment import read_settings
from agent.core.settings import Settings
from agent.stores.cleanup import InMemoryStore
from agent.stores.fallback import Writing, is_sqlite, one_at_a_time
from agent.stores.first_state import FirstStateStore
from agent.stores.host_memory import HostMemory
from agent.stores.memory import ForgettingMemory, VisitorMemory
from agent.stores.places import artifact_uri, session_uri

log = logging.getLogger(__name__)

# How the URIs of stores begin that one machine has for itself. Agent Engine is among them, because
# nothing can be made and deleted there fast enough for several machines to take turns.
UNSHARED = ("memory:", "sqlite", "agentengine:")

# In which files an owner tells ADK of services by URIs of their own (adk/cli/service_registry.py).
SERVICE_FILES = ("services.yaml", "services.yml", "services.py")


def load_services(folder: Path) -> None:
    """Let ADK know the services of the agent's folder, and of the one above it: `adk web` takes
    those of the folder that it is given, which is either of them."""
    for place in (folder.parent, folder):
        if not any((place / name).is_file() for name in SERVICE_FILES):
            continue
        sys.modules.pop("services", None)  # Each folder's is called so.
        sys.path.insert(0, str(place))
        try:
            load_services_module(str(place))
            # ADK goes on without them, and says nothing where they import what is not installed.
            if (place / "services.py").is_file() and "services" not in sys.modules:
                import_module("services")
        except ImportError as error:
            advice = how_to_install(error.name, folder) if error.name else ""
            log.warning("Without what %s/services.py names: %s. %s", place, error, advice)
        finally:
            sys.path.remove(str(place))


@dataclass(frozen=True)
class Stores:
    """Where chats and files are kept: those of one agent, or of all in a folder."""

    sessions: BaseSessionService
    artifacts: BaseArtifactService
    # The session store's URI; None for ADK's own choice.
    uri: str | None
    # The settings that they were opened with.
    settings: Settings
    # What is held while something is written to the sessions.
    writing: Writing
    # The folder that holds the agents' folders; and the name of a folder by its agent's, where the
    # two differ.
    base: Path
    folders: Mapping[str, str]

    def folder(self, agent: str) -> Path:
        """The folder of the agent of this name."""
        return self.base / self.folders.get(agent, agent)

    def sessions_anew(self) -> BaseSessionService:
        """The store of sessions as it is after a restart: what was in memory is not in it."""
        return _session_service(self.uri, self.base, self.folders)

    def session_service(self, state: Mapping[str, Any]) -> BaseSessionService:
        """The store of sessions, which begin with this state."""
        # ADK's choice where nothing can be written beside the agent, and on Cloud Run and
        # Kubernetes.
        forgets = self.uri is None and isinstance(self.sessions, InMemorySessionService)
        is_shared = bool(self.uri and not self.uri.startswith(UNSHARED))
        return FirstStateStore(self.sessions, is_shared, forgets, state, self.writing)


def open_stores(base: Path, folders: Mapping[str, str] | None = None) -> Stores:
    """The stores that the host has named, or those that `adk web` would take.

    Args:
        base: The folder that holds the agents' folders.
        folders: The name of a folder by its agent's, where the two differ.

    Raises:
        LoadError: with a sentence for the host, for a store that cannot be used.
        ValueError: with a sentence for the host, for a setting that cannot be used.
    """
    settings = read_settings(os.environ)
    uri = session_uri(settings.session_db.get_secret_value() if settings.session_db else None)
    folders = folders or {}
    sessions = _session_service(uri, base, folders)
    artifacts = _artifact_service(settings.artifacts, uri, base)
    is_local = isinstance(sessions, PerAgentDatabaseSessionService)  # Files of SQLite's.
    writing = one_at_a_time(is_local or is_sqlite(sessions))
    return Stores(sessions, artifacts, uri, settings, writing, base, folders)


def _session_service(uri: str | None, base: Path, folders: Mapping[str, str]) -> BaseSessionService:
    """The store of this URI, or the one that `adk web` would take."""
    try:
        store = create_session_service_from_options(
            base_dir=base, session_service_uri=uri, app_name_to_dir=dict(folders)
        )
    except Exception as error:
        # Not its text, which may quote the URI with its password.
        raise LoadError(
            f"SESSION_DB cannot be used ({type(error).__name__}). It should be memory://, "
            'sqlite:///FILE, or a database for which `pip install "google-adk[db]"` and its driver '
            "are there, such as postgresql+asyncpg://HOST/NAME; or what the agent's services.py "
            "names."
        ) from None
    return InMemoryStore() if type(store) is InMemorySessionService else store


def _artifact_service(uri: str | None, chats: str | None, base: Path) -> BaseArtifactService:
    """The store of the files that the agent makes, or the one that `adk web` would take, where the
    chats are in such a one."""
    where = artifact_uri(uri, chats)
    try:
        return create_artifact_service_from_options(
            base_dir=base, artifact_service_uri=where, strict_uri=True
        )
    except Exception as error:
        if uri is None:  # A Space's storage, which may be full.
            log.warning("Files cannot be kept (%s): they are in memory.", type(error).__name__)
            return InMemoryArtifactService()
        raise LoadError(
            f"ARTIFACTS cannot be used ({type(error).__name__}). It should be memory://, "
            'file:///FOLDER, or gs://BUCKET, for which `pip install "google-adk[gcp]"` is needed; '
            "or what the agent's services.py names."
        ) from None


def memory_service(
    uri: SecretStr | None, folder: Path, sessions: BaseSessionService
) -> ForgettingMemory:
    """What remembers beyond a session: the service of this URI, or the one that `adk web` would
    take.

    Raises:
        LoadError: with a sentence for the host.
    """
    try:
        service = create_memory_service_from_options(
            base_dir=folder.parent, memory_service_uri=uri.get_secret_value() if uri else None
        )
    except Exception as error:
        raise LoadError(
            f"MEMORY_SERVICE cannot be used ({type(error).__name__}). It should be memory://, "
            "sqlite:///FILE, agentengine://ID or rag://CORPUS, for which "
            '`pip install "google-adk[gcp]"` and GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION '
            "are needed; or what the agent's services.py names."
        ) from None
    is_plain = type(service) is InMemoryMemoryService
    return VisitorMemory() if is_plain else HostMemory(service, sessions)
