"""The agent on show (`agent.py`), and all that runs it without knowing Gradio.

ADK finds `root_agent` in `agent/agent.py` by itself (google/adk/cli/utils/agent_loader.py), so
this file does not import it: `.env` is read before the agent is.
"""

import gc

# What is here before us, in the page all of Gradio, stays: every collection that looks it over
# again while ADK is imported costs the start of the page some of its time.
gc.freeze()
