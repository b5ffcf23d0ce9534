"""ADK's undocumented names: the installed version has them all, and without them nothing breaks."""

import ast
import asyncio
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import google.adk
import pytest
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.events import Event
from google.adk.models import Gemini, LlmRequest, LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import DatabaseSessionService, InMemorySessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types

from agent.core import adk_internals
from agent.core.adk_internals import delete_user_row, forget_user
from agent.stores import lease as lease_module
from agent.stores.cleanup import InMemoryStore
from agent.stores.lease import lease

ADK = Path(google.adk.__file__).parent


def adk(module: str, name: str) -> Any:
    """What ADK has by this name in this module."""
    return getattr(importlib.import_module(f"google.adk.{module}"), name)


def parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


async def memories_in_a_file(delete: bool = False) -> int:
    """How many there are of one that was kept in ADK's service in a file."""
    memory = adk("memory._sqlite_memory_service", "SqliteMemoryService")(":memory:")
    try:
        event = Event(author="user", content=types.UserContent("My cat is called Tom"))
        ann: dict[str, Any] = {"app_name": "test", "user_id": "ann"}
        await memory.add_events_to_memory(**ann, events=[event], session_id="one")
        assert adk_internals.has_memories_in_rows(memory)
        if delete:
            await adk_internals.delete_memories(memory, **ann, session_id="other")
            await adk_internals.delete_memories(memory, **ann, session_id="one", event_ids=["x"])
            assert (await memory.search_memory(**ann, query="cat")).memories
            await adk_internals.delete_memories(memory, **ann, session_id="one")
        return len((await memory.search_memory(**ann, query="cat")).memories)
    finally:
        await memory.close()


def own_calls() -> list[str]:
    names = vars(importlib.import_module("google.adk.flows.llm_flows.functions"))
    return [value for name, value in names.items() if name.startswith("REQUEST_")]


def context() -> list[str]:
    """How an agent is told what another one said."""
    said = Event(author="helper", content=types.ModelContent("Hi."))
    retold = adk("flows.llm_flows.context._fencing", "_present_other_agent_message")(said)
    return [part.text for part in retold.content.parts]


async def runs_tools_where_it_is_told() -> bool:
    threads = ThreadPoolExecutor()
    adk_internals.use_tool_threads(3, threads)
    return adk("flows.llm_flows.functions", "_get_tool_thread_pool")(3) is threads


def in_adk_web(text: str) -> bool:
    return any(text in script.read_text() for script in (ADK / "cli/browser").glob("main-*.js"))


def logs_as(module: str) -> bool:
    """Whether the module logs under the name by which it is silenced."""
    return bool(adk(module, "logger").name == f"google_adk.google.adk.{module}")


# The names in `adk_internals`, each with what it relies on.
IN_ADK_INTERNALS: dict[str, Callable[[], object]] = {
    "ABORTED": lambda: adk("events._abort_events", "_INVOCATION_ABORTED") == adk_internals.ABORTED,
    "OWN_CALLS": lambda: (
        "adk_request_confirmation" in own_calls()
        and all(name.startswith(adk_internals.OWN_CALLS) for name in own_calls())
    ),
    "TRANSFER": lambda: (
        adk("tools.transfer_to_agent_tool", "transfer_to_agent").__name__ == adk_internals.TRANSFER
    ),
    "SET_RESPONSE": lambda: (
        adk("tools.set_model_response_tool", "SetModelResponseTool")(dict).name
        == adk_internals.SET_RESPONSE
    ),
    "needed_state": lambda: (
        adk_internals.needed_state("{a} {{b}} {user:c} {d?} {artifact.e} {f g} {a}")
        == ["a", "b", "user:c"]
    ),
    "agent_of": lambda: (
        "_invocation_context" in inspect.getsource(adk("agents.context", "Context"))
    ),
    "litellm_arguments": lambda: (
        "_additional_args = dict(kwargs)" in (ADK / "models/lite_llm.py").read_text()
    ),
    "_PLACEHOLDER": lambda: adk("utils.instructions_utils", "_TEMPLATE_VAR_PATTERN"),
    "_is_state_name": lambda: adk("utils.instructions_utils", "_is_valid_state_name"),
    "CONTEXT": lambda: context()[0].startswith(adk_internals.CONTEXT),
    "SAID": lambda: adk_internals.SAID in context()[1],
    "SESSION_METADATA": lambda: in_adk_web(f".{adk_internals.SESSION_METADATA}?."),
    "DISPLAY_NAME": lambda: in_adk_web(f"?.{adk_internals.DISPLAY_NAME}"),
    "AlreadyExistsError": lambda: (
        adk("errors.already_exists_error", "AlreadyExistsError") is adk_internals.AlreadyExistsError
    ),
    "SessionNotFoundError": lambda: (
        adk("errors.session_not_found_error", "SessionNotFoundError")
        is adk_internals.SessionNotFoundError
    ),
    "NOISY_MODULES": lambda: all(map(logs_as, adk_internals.NOISY_MODULES)),
    "telemetry_options": lambda: (
        adk("telemetry.context", "TelemetryConfig") and "telemetry" in RunConfig.model_fields
    ),
    "use_tool_threads": lambda: asyncio.run(runs_tools_where_it_is_told()),
    "make_tables_anew": lambda: (
        hasattr(
            adk("sessions.sqlite_session_service", "SqliteSessionService")(":memory:"),
            "_schema_ready",
        )
        and "_db_path"
        in vars(adk("sessions.sqlite_session_service", "SqliteSessionService")(":memory:"))
    ),
    "forget_user": lambda: {"sessions", "user_state"} <= vars(InMemorySessionService()).keys(),
    "delete_user_row": lambda: (
        hasattr(SqliteSessionService, "_get_db_connection")
        and hasattr(DatabaseSessionService, "_get_schema_classes")
        and hasattr(DatabaseSessionService, "_rollback_on_exception_session")
    ),
    "has_memories_in_rows": lambda: asyncio.run(memories_in_a_file()) == 1,
    "delete_memories": lambda: asyncio.run(memories_in_a_file(delete=True)) == 0,
}

ELSEWHERE: dict[str, Callable[[], object]] = {
    # agent/chat
    "the loader of agents": lambda: adk("cli.utils.agent_loader", "AgentLoader").load_agent,
    "the loader of .env": lambda: adk("cli.utils.envs", "load_dotenv_for_agent"),
    "session stores by URI": lambda: (
        {"base_dir", "session_service_uri"}
        <= parameters(adk("cli.utils.service_factory", "create_session_service_from_options"))
    ),
    "memory services by URI": lambda: (
        {"base_dir", "memory_service_uri"}
        <= parameters(adk("cli.utils.service_factory", "create_memory_service_from_options"))
    ),
    "services of an owner's own": lambda: adk("cli.service_registry", "load_services_module"),
    "artifact stores by URI": lambda: (
        {"base_dir", "artifact_service_uri", "strict_uri"}
        <= parameters(adk("cli.utils.service_factory", "create_artifact_service_from_options"))
    ),
    "an agent's own model": lambda: isinstance(LlmAgent.canonical_model, property),
    "a run that can be stopped": lambda: (
        {"abort_signal", "yield_user_message"} <= parameters(Runner.run_async)
    ),
    "a rewind": lambda: "rewind_before_invocation_id" in parameters(Runner.rewind_async),
    "a client that is kept": lambda: isinstance(
        inspect.getattr_static(Gemini, "api_client"), property | cached_property
    ),
    # agent/models
    "whether a variable is on": lambda: adk("utils.env_utils", "is_env_enabled"),
    "what models there are": lambda: adk("models.registry", "LLMRegistry").new_llm,
    "ADK's default model": lambda: LlmAgent.DEFAULT_MODEL,
    "what a partial has": lambda: (
        {"content", "partial", "usage_metadata", "model_version", "turn_complete"}
        <= LlmResponse.model_fields.keys()
    ),
    "how Gemini is asked": lambda: (
        {"client", "client_kwargs", "use_interactions_api"} <= Gemini.model_fields.keys()
    ),
    "what is cached of a request": lambda: "cache_config" in LlmRequest.model_fields,
    # agent/core/errors.py
    "an error of too many calls": lambda: adk(
        "agents.invocation_context", "LlmCallsLimitExceededError"
    ),
    "an error of another's turn": lambda: adk("errors", "StaleSessionError"),
    # agent/core/visitor.py
    "the user of `adk web`": lambda: in_adk_web('userId="user"'),
}


@pytest.mark.parametrize("name", [*IN_ADK_INTERNALS, *ELSEWHERE])
def test_what_the_project_relies_on_is_still_in_adk(name: str) -> None:
    assert (IN_ADK_INTERNALS | ELSEWHERE)[name]()


def names_in_adk_internals() -> Iterator[str]:
    for node in ast.parse(inspect.getsource(adk_internals)).body:
        match node:
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                yield name
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ) if name[0] != "_":
                yield name


def test_every_name_in_adk_internals_is_checked() -> None:
    assert set(names_in_adk_internals()) == IN_ADK_INTERNALS.keys()


# Gone

ANN = {"name": "Ann"}


@pytest.mark.parametrize(
    ("store", "left"),
    [
        ({}, {}),
        ({"sessions": {"test": {"ann": {}}}}, {"sessions": {"test": {}}}),
        *[
            (store, store)
            for store in (
                {"sessions": {("test", "ann"): []}, "user_state": {("test", "ann"): ANN}},
                {"sessions": [("test", "ann")], "user_state": [ANN]},
                {"sessions": {"test": {"ann": ["session"]}}, "user_state": {"test": {"ann": ANN}}},
            )
        ],
    ],
)
def test_a_store_that_keeps_users_in_another_way_keeps_what_it_knows_of_them(
    store: dict[str, Any], left: dict[str, Any]
) -> None:
    changed = SimpleNamespace(**deepcopy(store))
    forget_user(cast(Any, changed), "test", "ann")
    assert vars(changed) == left


async def test_a_store_that_keeps_users_in_another_way_still_deletes_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann: dict[str, Any] = {"app_name": "test", "user_id": "ann"}
    store = InMemoryStore()
    session = await store.create_session(**ann, state={"user:name": "Ann"})
    monkeypatch.setattr(store, "user_state", set())
    await store.delete_session(**ann, session_id=session.id)
    monkeypatch.undo()
    assert not await store.get_session(**ann, session_id=session.id)


async def test_without_the_stores_own_names_no_row_is_deleted() -> None:
    assert await delete_user_row(cast(Any, SimpleNamespace()), "test", "ann") is False


def without(module: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`adk_internals`, imported once more where ADK has no such module."""
    monkeypatch.setitem(sys.modules, f"google.adk.{module}", None)
    spec = spec_from_file_location("adk_internals_without", adk_internals.__file__)
    assert spec
    assert spec.loader
    spec.loader.exec_module(fresh := module_from_spec(spec))
    return fresh


async def test_without_adks_error_a_lease_is_still_held_and_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = without("errors.already_exists_error", monkeypatch)
    assert gone.AlreadyExistsError is not adk_internals.AlreadyExistsError
    monkeypatch.setattr(lease_module, "AlreadyExistsError", gone.AlreadyExistsError)
    store = InMemorySessionService()
    for _ in range(2):
        async with asyncio.timeout(10), lease(store, "test", "one", "me", seconds=60):
            assert await store.get_session(
                app_name="test", user_id=lease_module.LEASE_USER_ID, session_id="one"
            )


def test_without_adks_pattern_no_instruction_is_said_to_lack_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert without("utils.instructions_utils", monkeypatch).needed_state("{a}") == []


def test_without_adks_telemetry_config_a_run_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = without("telemetry.context", monkeypatch)
    assert gone.telemetry_options() == {}
    assert RunConfig(**gone.telemetry_options())


async def test_without_adks_registry_of_threads_it_runs_tools_in_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = without("flows.llm_flows.functions", monkeypatch)
    gone.use_tool_threads(3, ThreadPoolExecutor())
    monkeypatch.undo()
    assert adk("flows.llm_flows.functions", "_get_tool_thread_pool")(3)
