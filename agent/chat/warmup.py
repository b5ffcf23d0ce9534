"""What a process does at its first answer and never again, done before anybody waits for it:
modules are imported, schemas are built. Without it, the first answer begins after 0.11 s, and with
it after 0.02 s, as all others."""

import asyncio
import gc
import sys
from contextlib import suppress

from google.adk.agents import LlmAgent
from google.adk.runners import InMemoryRunner

from agent.chat.agent_tree import llm_agents
from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.core.settings import Settings
from agent.core.transcript import Transcript
from agent.models.coalescing import coalescing
from agent.models.gemini_warmup import warm_up_gemini
from agent.models.offline import OfflineModel

# Seconds after the start at which the page is there, and hardly a visitor yet.
CLIENTS_DELAY = 0.5


def open_clients_soon(loaded: LoadedAgent) -> None:
    """Make the clients of the agent's models, which takes 0.04 s and holds up everything: each is
    for the event loop in which it is made, so this is the server's (`Gemini.api_client`)."""
    asyncio.get_running_loop().call_later(CLIENTS_DELAY, open_clients, loaded)


def open_clients(loaded: LoadedAgent) -> None:
    """Make the clients of the agent's models now (`open_clients_soon`)."""
    for agent in llm_agents(loaded.runner.agent):
        with suppress(Exception):  # The first visitor will be told of it.
            getattr(agent.model, "api_client", None)


def warm_up() -> None:
    """One turn of an agent of its own, and one answer of a Gemini that is not there: they cost
    nothing and leave nothing."""
    with suppress(Exception):  # Whatever it is, the first visitor will be told of it.
        asyncio.run(one_turn())
        asyncio.run(warm_up_gemini())
    # What is there now stays for good. To look through it, as Python does now and then, holds up
    # everybody for 0.2 s. But a Space's hot reload finds functions by the garbage collector, which
    # does not show what is frozen (spaces/_vendor/codefind/registry.py).
    gc.collect()
    if "spaces" not in sys.modules:
        gc.freeze()


async def one_turn() -> Transcript:
    """Ask an offline agent once; its answer."""
    model = coalescing(OfflineModel(delay=0))
    runner = InMemoryRunner(agent=LlmAgent(name="warmup", model=model), app_name="warmup")
    return await Conversation(runner, Settings()).ask("Hello").finish()
