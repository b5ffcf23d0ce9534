"""What an agent's owner has: a folder with files."""

from pathlib import Path
from textwrap import dedent
from typing import Protocol

# How the folders are called, by which what was imported from them is found again.
FOLDER = "loading_test"


class Write(Protocol):
    """Writes an agent's folder; its files by name."""

    def __call__(self, files: dict[str, str], name: str = "") -> Path: ...


# Of the agents in one folder, by which the fake Gemini is told of each.
ONE_OF_SEVERAL = """
    from google.adk.agents import Agent
    EXAMPLES = ["Ask {name}"]
    LOOK = {{"accent": "navy"}}
    root_agent = Agent(
        name="{name}",
        model="gemini-3.5-flash",
        description="All about {name}.",
        instruction="You are {name}.",
    )
"""

# One that cannot be loaded.
BROKEN = "import no_such_module_at_all\n"


def write_agents(path: Path, *names: str, **others: str) -> Path:
    """Write a folder with an agent of each of these names; and others, by their agent.py."""
    texts = {name: dedent(ONE_OF_SEVERAL.format(name=name)) for name in names} | others
    for name, text in texts.items():
        (path / name).mkdir(parents=True)
        (path / name / "agent.py").write_text(text)
    return path


HELPER = """
    from google.adk.agents import Agent
    root_agent = Agent(name="kind_helper", model="gemini-3.5-flash", description="Helps.")
"""
