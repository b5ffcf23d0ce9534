"""A folder of several agents, as `adk web` takes one."""

import re
from dataclasses import dataclass
from pathlib import Path

from google.adk.agents import BaseAgent
from google.adk.cli.utils.agent_loader import AgentLoader
from google.adk.cli.utils.envs import load_dotenv_for_agent
from google.adk.cli.utils.local_storage import PerAgentDatabaseSessionService

from agent.chat.failed_agent import failed_agent
from agent.chat.load_errors import LoadError
from agent.chat.loader import OUR_AGENT, LoadedAgent, assemble, load
from agent.chat.services import Stores, load_services, open_stores

# What the package of an agent has that is defined in its `__init__.py`.
ROOT = re.compile(r"\b(root_agent|app)\b")


@dataclass(frozen=True)
class AgentsFolder:
    """The agents in a folder, by the names of their own folders."""

    path: Path
    names: tuple[str, ...]
    stores: Stores

    def load(self, name: str) -> LoadedAgent:
        """One of them; while others may be loaded in no other thread, because all share
        `os.environ` and `sys.path`.

        Raises:
            LoadError: with a sentence for the host.
        """
        return load(self.path / name, coalesce=True, stores=self.stores)

    def failed(self, name: str, error: LoadError) -> LoadedAgent:
        """The stand-in of one that could not be loaded, with its chats."""
        return failed_agent(self.path / name, error, self.stores)

    def stored(self, name: str) -> LoadedAgent | None:
        """In place of one that is not loaded, what finds and deletes its chats; None where it has
        none. It answers nothing."""
        is_local = isinstance(self.stores.sessions, PerAgentDatabaseSessionService)
        if is_local and not (self.path / name / ".adk" / "session.db").exists():
            return None
        return assemble(BaseAgent(name="asleep"), name, self.path / name, stores=self.stores)


def names_in(folder: Path) -> tuple[str, ...]:
    """The agents that `adk web` would list for this folder; none where it is an agent itself."""
    folder = folder.resolve()
    if not folder.is_dir() or AgentLoader(str(folder)).is_single_agent:
        return ()
    package = folder / "__init__.py"
    if package.is_file() and ROOT.search(package.read_text(errors="replace")):
        return ()
    return tuple(AgentLoader(str(folder)).list_agents())


def open_folder(folder: Path, names: tuple[str, ...]) -> AgentsFolder:
    """The agents of these names; none of them is loaded yet, but this app's `.env` has been read,
    and then the folder's.

    Raises:
        LoadError: with a sentence for the host, where chats cannot be kept.
        ValueError: the same for a setting that cannot be used.
    """
    folder = folder.resolve()
    load_dotenv_for_agent(OUR_AGENT.name, str(OUR_AGENT.parent))
    load_dotenv_for_agent(folder.name, str(folder.parent))
    load_services(folder)
    return AgentsFolder(folder, names, open_stores(folder))
