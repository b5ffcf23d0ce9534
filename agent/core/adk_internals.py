"""Every name of ADK that its documentation does not promise, and what happens when it is gone.

ADK 2.13. One test asserts that all of them are still there.
"""

# The code of the event that seals a run which was stopped (adk/events/_abort_events.py). Gone: a
# stopped answer is also told as one that ended in an unexpected way.
ABORTED = "INVOCATION_ABORTED"

# How the names of the calls begin that ADK makes for itself, such as `adk_request_confirmation`
# (adk/flows/llm_flows/functions.py). Gone: an exported chat holds calls that ADK does not import.
OWN_CALLS = "adk_request_"

# The tool by which ADK hands over to another agent (adk/tools/transfer_to_agent_tool.py). Gone: it
# is shown as any other tool.
TRANSFER = "transfer_to_agent"

# How ADK tells an agent what another one did: as if the visitor had said it
# (adk/flows/llm_flows/context/_fencing.py). Gone: the offline model takes it for a message.
CONTEXT = "For context:"
SAID = "] said:\n"

# Where a session's state holds its name for `adk web` (adk/cli/browser). Gone: an exported chat has
# no name there.
SESSION_METADATA = "__session_metadata__"
DISPLAY_NAME = "displayName"
