"""What an agent's owner has: a folder with files."""

from pathlib import Path
from typing import Protocol

# How the folders are called, by which what was imported from them is found again.
FOLDER = "loading_test"


class Write(Protocol):
    """Writes an agent's folder; its files by name."""

    def __call__(self, files: dict[str, str], name: str = "") -> Path: ...


HELPER = """
    from google.adk.agents import Agent
    root_agent = Agent(name="kind_helper", model="gemini-3.5-flash", description="Helps.")
"""
