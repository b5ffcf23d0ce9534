"""Every name of ADK that its documentation does not promise, and what happens when it is gone.

ADK 2.13. tests/core/test_adk_internals.py asserts that all of them are still there.
"""

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from google.adk.sessions import BaseSessionService, InMemorySessionService


def _find(module: str, name: str, otherwise: Any) -> Any:
    """The name in ADK's module; `otherwise` when the module or the name is gone."""
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return otherwise


class _NeverRaised(Exception):
    """In place of an exception class that is gone."""


# What a store raises when it is to create a session that it has already. Gone: such an error counts
# as one of a store that does not work, so that two machines may answer one conversation at once.
AlreadyExistsError: type[Exception] = _find(
    "google.adk.errors.already_exists_error", "AlreadyExistsError", _NeverRaised
)

# What ADK raises for a session that is not in the store. Gone: it is told as a failure of the
# agent, and the conversation does not begin anew.
SessionNotFoundError: type[Exception] = _find(
    "google.adk.errors.session_not_found_error", "SessionNotFoundError", _NeverRaised
)


def telemetry_options() -> dict[str, Any]:
    """For a RunConfig: telemetry as the environment says, read once for a run. Without it ADK reads
    the environment anew for each event.

    Gone: so it does, which is slower.
    """
    config = _find("google.adk.telemetry.context", "TelemetryConfig", None)
    return {"telemetry": config()} if config else {}


# The code of the event that seals a run which was stopped (adk/events/_abort_events.py). Gone: a
# stopped answer is also told as one that ended in an unexpected way.
ABORTED = "INVOCATION_ABORTED"

# How the names of the calls begin that ADK makes for itself, such as `adk_request_confirmation`
# (adk/flows/llm_flows/functions.py). Gone: an exported chat holds calls that ADK does not import.
OWN_CALLS = "adk_request_"

# The tool by which ADK hands over to another agent (adk/tools/transfer_to_agent_tool.py). Gone: it
# is shown as any other tool.
TRANSFER = "transfer_to_agent"


def forget_user(store: InMemorySessionService, app_name: str, user_id: str) -> None:
    """Free what ADK's store in memory keeps of a user who has no session left: an empty dict in
    `sessions`, and the state in `user_state` (adk/sessions/in_memory_session_service.py).

    Gone: does nothing, so that this memory stays in use until the app restarts.
    """
    with suppress(Exception):
        users = store.sessions[app_name]
        if not users[user_id]:
            del users[user_id]
            store.user_state.get(app_name, {}).pop(user_id, None)


async def make_tables_anew(store: BaseSessionService) -> None:
    """Have a store whose file or tables have been deleted under it make them at its next call: it
    remembers that it has made them (`_schema_ready`, adk/sessions/sqlite_session_service.py;
    `_tables_created`, database_session_service.py), and the one for several agents has one store
    for each (`_services`, adk/cli/utils/local_storage.py).

    Gone: does nothing, so that chats are kept in memory until the app restarts.
    """
    with suppress(Exception):
        for inner in (store, *getattr(store, "_services", {}).values()):
            if hasattr(inner, "_schema_ready"):
                inner._schema_ready = False
                Path(inner._db_path).parent.mkdir(exist_ok=True)
            if hasattr(inner, "_tables_created"):
                inner._tables_created = False
                await inner.db_engine.dispose()  # Its connections hold the deleted file.


# How ADK tells an agent what another one did: as if the visitor had said it
# (adk/flows/llm_flows/context/_fencing.py). Gone: the offline model takes it for a message.
CONTEXT = "For context:"
SAID = "] said:\n"

# Where a session's state holds its name for `adk web` (adk/cli/browser). Gone: an exported chat has
# no name there.
SESSION_METADATA = "__session_metadata__"
DISPLAY_NAME = "displayName"
