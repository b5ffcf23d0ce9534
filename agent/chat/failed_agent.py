"""What stands for an agent that could not be loaded, until it can be: its chats are there, but
nothing that is asked is answered."""

from dataclasses import replace
from pathlib import Path

from google.adk.agents import BaseAgent

from agent.chat.load_errors import LoadError
from agent.chat.loader import LoadedAgent, agent_folder, assemble, to_title
from agent.chat.services import Stores
from agent.core.notices import SENTENCES


def failed_agent(folder: Path, error: LoadError, stores: Stores | None = None) -> LoadedAgent:
    """The stand-in of the agent in this folder, with the title of that and the agent's own chats.

    Args:
        folder: Where the agent is; the file itself may be named, too.
        error: Why it could not be loaded, for its host.
        stores: Those of all agents in the folder above; without them its own.

    Raises:
        LoadError: where the chats cannot be kept, with a sentence for the host.
    """
    folder = agent_folder(folder)
    # ADK takes identifiers alone, but for the name of whoever asks.
    name = folder.name if folder.name.isidentifier() and folder.name != "user" else "agent"
    agent = BaseAgent(name=name, description=SENTENCES["being_mended"])
    loaded = assemble(agent, folder.name, folder, stores=stores)
    return replace(loaded, title=to_title(folder.name), costs=False, why_not_loaded=str(error))
