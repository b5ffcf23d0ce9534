"""An agent with a tool, for what programs ask it."""

import pytest

from agent.chat.loader import LoadedAgent
from tests.support.app_setup import loaded


def look(thing: str) -> str:
    """Look at something."""
    return f"The {thing} is blue."


@pytest.fixture(scope="module")
def what() -> LoadedAgent:
    return loaded(tools=[look])
