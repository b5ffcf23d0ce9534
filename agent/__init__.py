"""The agent on show (`agent.py`), and all that runs it without knowing Gradio.

ADK finds `root_agent` in `agent/agent.py` by itself (google/adk/cli/utils/agent_loader.py), so
this file does not import it: `.env` is read before the agent is.
"""
