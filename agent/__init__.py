"""The agent on show (`agent.py`), and all that runs it without knowing Gradio.

ADK finds `root_agent` in `agent/agent.py` by itself (google/adk/cli/utils/agent_loader.py), so
this file does not import it: `.env` is read before the agent is. In a script,
`from agent import launch` serves any agent (agent/launch.py).
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """`launch`, which imports Gradio, only for whoever asks for it: `agent.offline` must not."""
    if name == "launch":
        from agent.launcher import launch

        return launch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
