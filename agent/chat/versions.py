"""Which versions are at work: of this app, of the agent, and of what both stand on."""

import platform
import tomllib
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agent.chat.agent_tree import llm_agents, version_of
from agent.chat.loader import LoadedAgent

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

# The packages whose versions a developer asks for first.
PACKAGES = "google-adk", "google-genai", "gradio"


@cache
def app_version() -> str:
    """This app's version; "" where the file that has it was left out."""
    with suppress(OSError, tomllib.TOMLDecodeError, KeyError):
        return str(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    return ""


def versions(loaded: LoadedAgent) -> dict[str, str]:
    """All of them by what they are of; the agent's changes with its instruction, models and tools
    (agent/chat/agent_tree.py)."""
    root = loaded.runner.agent
    models = dict.fromkeys(_model_of(agent.model) for agent in llm_agents(root))
    found = {
        "agent": f"{root.name} {version_of(root)}",
        "models": ", ".join(filter(None, models)),
        "app": app_version(),
        "Python": platform.python_version(),
        "system": platform.system(),
    }
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _model_of(model: object) -> str:
    return model if isinstance(model, str) else str(getattr(model, "model", ""))
