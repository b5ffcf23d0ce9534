"""A chat with an agent, stored in a file, and what a tester has said of it."""

from pathlib import Path

import pytest

from agent.chat import rating
from agent.chat.loader import OUR_AGENT, load
from agent.chat.registry import Registry
from agent.core.settings import Settings
from tests.support.app_setup import UNLIMITED, below


async def rated_chat(
    path: Path, question: str, rated: str, agent: Path = OUR_AGENT, **words: str
) -> str:
    """Ask the agent in that folder, and rate its answer; the URI of the store that has it."""
    uri = f"sqlite:///{path}/chats.db"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SESSION_DB", uri)
        loaded = load(agent)
    registry = Registry(loaded, Settings(**UNLIMITED))
    conversation = registry.open().conversation
    await conversation.ask(below(conversation, None, question)).finish()
    given = {"turn": conversation.turns[-1].id, "rating": rated, **words}
    await rating.rate(registry, conversation, given, None)
    await registry.close()
    store = getattr(loaded.runner.session_service, "real", None)
    if close := getattr(store, "close", None):
        await close()
    return uri
