"""Every name of ADK that its documentation does not promise, and what happens when it is gone.

ADK 2.13. tests/core/test_adk_internals.py asserts that all of them are still there.
"""

import asyncio
from collections.abc import Collection
from concurrent.futures import Executor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.memory.base_memory_service import BaseMemoryService
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

# The tool by which an agent that has other tools answers in the form that it must answer in
# (adk/tools/set_model_response_tool.py). Gone: the offline model answers such an agent in prose.
SET_RESPONSE = "set_model_response"


# Modules that log each failed turn twice, with tracebacks, and grumble about each stopped one; each
# logs by its own name. Gone: they do.
NOISY_MODULES = (
    *("workflow._node_runner", "runners", "telemetry._metrics"),
    *("flows.llm_flows.tools._rearranger", "sessions.database_session_service"),
    *("live._live_llm_flow", "cli.utils.agent_loader"),
)


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


def use_tool_threads(size: int, threads: Executor) -> None:
    """Have ADK run ordinary tools of the running loop in these threads, where a run's config asks
    for so many (adk/flows/llm_flows/tools).

    Gone: ADK has threads of its own, and loses one for good for each tool that does not come back.
    """
    with suppress(Exception):
        module = import_module("google.adk.flows.llm_flows.functions")
        with module._TOOL_THREAD_POOL_LOCK:
            pools = module._TOOL_THREAD_POOLS.setdefault(asyncio.get_running_loop(), {})
            pools[size] = threads


async def delete_user_row(store: BaseSessionService, app_name: str, user_id: str) -> bool:
    """Delete the row in which a store of ADK's keeps the state of a user (adk/sessions/); whether
    this is such a store.

    Gone: False. Then the state can be emptied, and a row with the user's id stays.
    """
    given: Any = store
    with suppress(AttributeError):
        if connect := getattr(given, "_get_db_connection", None):  # SqliteSessionService
            async with connect() as database:
                row = "user_states WHERE app_name=? AND user_id=?"
                await database.execute(f"DELETE FROM {row}", (app_name, user_id))
                await database.commit()
            return True
        states = given._get_schema_classes().StorageUserState  # DatabaseSessionService
        async with given._rollback_on_exception_session() as database:
            if row := await database.get(states, (app_name, user_id)):
                await database.delete(row)
                await database.commit()
        return True
    return False


def has_memories_in_rows(memory: BaseMemoryService) -> bool:
    """Whether this is ADK's memory service in a file, which itself has no way to delete anything.

    Gone: False. Then visitors are told that what an agent remembers is not deleted.
    """
    in_file = _find("google.adk.memory._sqlite_memory_service", "SqliteMemoryService", _NeverRaised)
    return isinstance(memory, in_file) and hasattr(memory, "_get_db_connection")


async def delete_memories(
    memory: BaseMemoryService,
    app_name: str,
    user_id: str,
    session_id: str | None = None,
    event_ids: Collection[str] | None = None,
) -> None:
    """Delete what ADK's memory service in a file keeps of a user; or of one session; or of these
    events of it (adk/memory/_sqlite_memory_service.py).

    Gone, or another service: does nothing.
    """
    if not has_memories_in_rows(memory):
        return
    given: Any = memory
    of: tuple[str, ...] = (app_name, user_id)
    rows = "DELETE FROM memory_events WHERE app_name=? AND user_id=?"
    if session_id is not None:
        rows, of = f"{rows} AND session_id=?", (*of, session_id)
    async with given._get_db_connection() as database:
        if event_ids is None:
            await database.execute(rows, of)
        else:
            one_each = [(*of, event_id) for event_id in event_ids]
            await database.executemany(f"{rows} AND event_id=?", one_each)
        await database.commit()


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

# What an instruction is searched for, and which of what is found names a value of the session's
# state (adk/flows/llm_flows/prompt/_instructions_utils.py).
_PLACEHOLDER = _find("google.adk.utils.instructions_utils", "_TEMPLATE_VAR_PATTERN", None)
_is_state_name = _find("google.adk.utils.instructions_utils", "_is_valid_state_name", None)


def needed_state(instruction: str) -> list[str]:
    """The keys in a session's state without which an agent with this instruction fails.

    Gone: none, so that the host is not warned at start.
    """
    if not (_PLACEHOLDER and _is_state_name):
        return []
    found = [match.group().strip("{}").strip() for match in _PLACEHOLDER.finditer(instruction)]
    return [key for key in dict.fromkeys(found) if _is_state_name(key)]


def agent_of(context: CallbackContext) -> LlmAgent | None:
    """The agent whose model is about to be called. Gone: None, so that an agent without credentials
    that is made while another one runs is answered for in one piece, not word by word."""
    agent = getattr(getattr(context, "_invocation_context", None), "agent", None)
    return agent if isinstance(agent, LlmAgent) else None


def litellm_arguments(model: object) -> dict[str, Any]:
    """What a `LiteLlm` hands on to LiteLLM, such as a key of its own (adk/models/lite_llm.py).

    Gone: nothing, so that a model with its own key counts as one without, and the offline model
    answers in its place unless the key is in the environment.
    """
    return dict(getattr(model, "_additional_args", None) or {})
