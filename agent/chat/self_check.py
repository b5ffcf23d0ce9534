"""The self-check: all that a host has to have right, as a list of what is and what is not."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

from agent.chat.agents_folder import names_in, open_folder
from agent.chat.failed_agent import failed_agent
from agent.chat.load_errors import AgentFailed, LoadError
from agent.chat.loader import LoadedAgent, load
from agent.chat.model_check import NOT_ASKED, check_answer, check_keys_and_models
from agent.chat.service_check import check_files, check_memory
from agent.chat.setup_check import (
    check_agent,
    check_look,
    check_replicas,
    check_settings,
    check_space,
    check_storage,
    check_tasks,
    check_versions,
)
from agent.chat.store_check import check_store
from agent.core.checks import Check, unchecked, wrong
from agent.core.environment import read_settings
from agent.core.settings import Settings
from agent.limits.rate_limits import Limits

# What is seen only when an agent runs.
AT_WORK = (
    *("Key", "Model", "Answer", "Streaming", "Stop"),
    *("Chats are kept", "Visitors are apart", "Files are kept", "Memory"),
    *("Storage lasts", "Several copies"),
)


async def check_folder(path: Path, asks_model: bool) -> AsyncIterator[Check]:
    """The checks about the agent, or the agents, in a folder, each as soon as it is there."""
    agents, fault = [], None
    try:
        agents = _load_all(path)
    except (LoadError, ValueError) as error:
        fault = error
    async for check in self_check(agents, asks_model, fault):
        yield check


async def self_check(
    agents: Sequence[LoadedAgent],
    asks_model: bool,
    fault: Exception | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Check]:
    """The checks about these agents, each as soon as it is there.

    Args:
        agents: All that are on show; stand-ins for those that could not be loaded.
        asks_model: Whether a model may be asked, which costs one short call.
        fault: Why there is no agent, if there is none.
        limits: The page's, for which the call counts; without, those of `LIMITS_STORE`.
    """
    yield check_settings(fault)
    yield check_versions()
    yield check_space()
    if isinstance(fault, LoadError):
        yield wrong("Agent", str(fault), "Mend that, and check again.")
    for loaded in agents:
        yield check_agent(loaded)
        for check in filter(None, (check_look(loaded), check_tasks(loaded))):
            yield check
    settings = None
    with suppress(ValueError):  # Which is said above.
        settings = read_settings(os.environ)
    running = [loaded for loaded in agents if not loaded.why_not_loaded]
    if running and settings:
        limits = limits or _limits(settings)
        async for check in _check_at_work(running, settings, asks_model, limits):
            yield check
    else:
        for name in AT_WORK:
            yield unchecked(name, "That needs settings and an agent that can be used.")


async def _check_at_work(
    agents: Sequence[LoadedAgent], settings: Settings, asks_model: bool, limits: Limits
) -> AsyncIterator[Check]:
    """What is seen when agents run; all of them share their stores."""
    asks_model = asks_model and not settings.replay
    looked_up = await asyncio.to_thread(check_keys_and_models, agents, asks_model)
    for check in looked_up:
        yield check
    faults = [check for check in looked_up if check.verdict == "wrong"]
    why_not = "That needs what is wrong above." if faults else "" if asks_model else NOT_ASKED
    async for check in check_answer(agents, settings, why_not, limits):
        yield check
    for check in await check_store(agents[0]):
        yield check
    yield await check_files(agents[0])
    yield await check_memory(agents[0], settings)
    yield check_storage(agents[0])
    yield await check_replicas(agents[0], settings)


def _limits(settings: Settings) -> Limits:
    with suppress(ValueError):  # Of a LIMITS_STORE that cannot be used, as is said above.
        return Limits(settings)
    return Limits(settings.model_copy(update={"limits_store": None}))


def _load_all(path: Path) -> list[LoadedAgent]:
    names = names_in(path)
    if len(names) < 2:
        path = path.joinpath(*names)
        try:
            return [load(path)]
        except AgentFailed as error:
            return [failed_agent(path, error)]
    folder, agents = open_folder(path, names), []
    for name in names:
        try:
            agents.append(folder.load(name))
        except LoadError as error:
            agents.append(folder.failed(name, error))
    return agents
