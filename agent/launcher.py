"""The page in one line, for any agent that a script or a notebook has made."""

import os
import sys
from typing import Any

from dotenv import find_dotenv, load_dotenv
from google.adk.apps import App
from google.adk.workflow import BaseNode

from agent.chat.agents import Agents
from agent.chat.loader import load_object
from agent.core.environment import read_settings
from agent.page.answering import respond_with
from agent.page.chat_interface import ChatPage
from agent.server import announce, serve, serve_until_end


def launch(agent: App | BaseNode, **options: Any) -> ChatPage:
    """Serve the page for this agent, with its limits, APIs, settings and offline stand-in.

    In a script it ends with the program; in a notebook the cells after it run on.

    Args:
        agent: An ADK agent, workflow or `App`. `EXAMPLES`, `STATE`, `INNER` and `LOOK` of the
            module that calls this count as they do beside `root_agent`.
        options: `Blocks.launch`'s own, such as `server_port=8000`, `auth=("ann", "a password")` or
            `theme="soft"`.

    Raises:
        LoadError: with a sentence, for what is no agent.
        ValueError: with a sentence, for a setting that cannot be used.
    """
    load_dotenv(find_dotenv(usecwd=True))
    module = sys._getframe(1).f_globals.get("__name__", "")
    loaded = load_object(agent, module, coalesce=True)
    agents = Agents(loaded, read_settings(os.environ))
    page = ChatPage(respond_with(agents), agents)
    if "ipykernel" in sys.modules or hasattr(sys, "ps1"):  # A notebook, or Python's own prompt.
        _, url, _ = serve(page, agents, **{"prevent_thread_lock": True, **options})
        announce(url, options)
    else:
        serve_until_end(page, agents, **options)
    return page
