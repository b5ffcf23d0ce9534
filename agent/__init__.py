"""The agent on show (`agent.py`), and all that runs it without knowing Gradio.

ADK finds `root_agent` in `agent/agent.py` by itself (google/adk/cli/utils/agent_loader.py), so
this file does not import it: `.env` is read before the agent is. In a script,
`from agent import launch` serves any agent (agent/server.py).
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """`launch`, which imports Gradio, only for whoever asks for it: `agent.offline` must not. And
    the module with the agent, which `adk eval` looks for here (google/adk/cli/cli_eval.py)."""
    if name == "launch":
        from agent.server import launch

        return launch
    if name == "agent":
        try:
            return import_module(f"{__name__}.agent")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.agent":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
