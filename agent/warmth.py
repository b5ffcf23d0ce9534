"""What a process does at its first answer and never again, done before anybody waits for it:
modules are imported, schemas are built."""

import asyncio
from contextlib import suppress

from google.adk.agents import LlmAgent
from google.adk.runners import InMemoryRunner
from google.genai import Client

from agent.conversation import Conversation
from agent.merging import merging
from agent.offline import OfflineModel
from agent.settings import Settings
from agent.transcript import Transcript


def warm_up() -> None:
    """One turn of an agent that nobody knows, which costs nothing and leaves nothing."""
    with suppress(Exception):  # Whatever it is, the first visitor will be told of it.
        asyncio.run(one_turn())
        Client(api_key="of nobody")  # It is never used.


async def one_turn() -> Transcript:
    """What comes of it."""
    model = merging(OfflineModel(delay=0))
    runner = InMemoryRunner(agent=LlmAgent(name="warmth", model=model), app_name="warmth")
    return await Conversation(runner, Settings()).ask("Hello").finish()
