"""An agent whose answers are recorded and played back, and what is seen of that."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.core.notices import Notice
from agent.core.settings import Settings
from agent.core.transcript import Transcript
from tests.support.app_setup import outline
from tests.support.fake_gemini import Call, Pause, Signed, Think

AGENT = """
    from google.adk.agents import Agent

    COUNT = []

    def look(city: str) -> dict:
        "Look at the sky."
        COUNT.append(city)
        return {"sky": "blue", "looks": len(COUNT)}

    EXAMPLES = ["Hello", "What is the sky like?"]
    root_agent = Agent(
        name="watcher", model="gemini-3.5-flash", description="Looks.", tools=[look],
        instruction="Secret instruction.",
    )
"""

# One whose model is of a class that nobody knows.
OWN_CLASS = """
    from google.adk.models import BaseLlm

    class Own(BaseLlm):
        async def generate_content_async(self, llm_request, stream=False):
            raise AssertionError("It was asked.")
            yield
"""

# A question, and its answer of two requests: with a thought, a call with an id, a signature, and
# characters of several bytes.
SKY = "What is the sky like?"
SKY_ANSWER = (
    (Think("Hm. "), "I look: ", Call("look", {"city": "Oslo"}, id="call-7")),
    ("It is ", Signed("blue, "), "空は", Pause(0.2), "青い 😀."),
)

# Loads an agent as in a new process with these environment variables.
Load = Callable[..., LoadedAgent]

# What is said of an answer that is played.
REPLAYED = ["replayed"]


def talk(loaded: LoadedAgent, **settings: Any) -> Conversation:
    return Conversation(loaded.runner, Settings(**settings))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def said(transcript: Transcript) -> list[object]:
    """All of a transcript but what tells of the recording."""
    return [
        outline(entry)
        for entry in transcript
        if not (isinstance(entry, Notice) and entry.code in ("replayed", "other_results"))
    ]


def codes(transcript: Transcript) -> list[str]:
    return [entry.code for entry in transcript if isinstance(entry, Notice)]
