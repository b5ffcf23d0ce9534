"""What can be said at start of an agent that will not answer: sentences for its host."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models import LLMRegistry

from agent.chat.load_errors import line_with
from agent.core.adk_internals import needed_state
from agent.models.credentials import fallbacks


def agent_warnings(
    agents: Iterable[LlmAgent], plugins: Iterable[object], state: Mapping[str, Any], folder: Path
) -> Iterator[str]:
    """A sentence for each agent that has no model, or lacks a value for its instruction; and for
    what the host has set in vain.

    Args:
        agents: All that have a model.
        plugins: The owner's: one of them may have an instruction for all agents.
        state: The first values that the owner has given.
        folder: Where the agents' files are.
    """
    agents = list({id(agent): agent for agent in agents}.values())
    for agent in agents:
        yield from _unknown_models(agent, folder)
    yield from _unused_model(agents, folder)
    set_by_agents = {agent.output_key for agent in agents}
    instructed = [(f"The agent {agent.name}", agent) for agent in agents]
    instructed += [("A plugin", plugin) for plugin in plugins]  # type: ignore[misc]
    for who, which in instructed:
        keys = [key for key in _needed(which) if key not in state and key not in set_by_agents]
        if missing := [key for key in keys if not _is_named(key, folder)]:
            yield _missing_state(who, missing)


def _needed(instructed: object) -> list[str]:
    texts = [getattr(instructed, name, "") for name in ("instruction", "global_instruction")]
    return needed_state("\n".join(text for text in texts if isinstance(text, str)))


def _is_named(key: str, folder: Path) -> bool:
    """Whether the agent's files have this key as a text of their own: then a callback or a tool may
    set it."""
    texts = [f"'{key}'", f'"{key}"']
    if key not in LlmAgent.model_fields:  # Each agent has a `name=`.
        texts.append(f"{key}=")
    return any(line_with(text, folder) for text in texts)


def _missing_state(who: str, keys: list[str]) -> str:
    names = " and ".join(f"{{{key}}}" for key in keys)
    given = ", ".join(f'"{key}": "…"' for key in keys)
    return (
        f"{who} has {names} in its instruction, and nothing seems to give a value for it, so that "
        f"every message will fail. Give one in agent.py: STATE = {{{given}}}. Or write "
        f"{{{keys[0]}?}} if there need not be one."
    )


def _unknown_models(agent: LlmAgent, folder: Path) -> Iterator[str]:
    """A sentence for each name of a model that ADK does not know. Where only a package is missing,
    the offline model stands in."""
    for name in fallbacks(agent.model) or [agent.model]:
        if not isinstance(name, str) or not name:
            continue
        try:
            LLMRegistry.resolve(name)
        except (ValueError, ImportError):
            place = line_with(name, folder)
            where = f" ({place})" if place else ""
            yield (
                f"The agent {agent.name} cannot answer: its model {name!r}{where} is not available "
                "here. Name another one. Those of other providers than Google have the provider's "
                "name before them, such as openai/gpt-5 or ollama_chat/llama3."
            )


def _unused_model(agents: Iterable[LlmAgent], folder: Path) -> Iterator[str]:
    """A sentence where the host has set `MODEL`, and no agent goes by it: most do not, and a host
    who takes it for a setting of the page may pay for another model than the one named."""
    wanted = os.environ.get("MODEL")
    names = [str(getattr(agent.model, "model", agent.model)) for agent in agents]
    if not wanted or not names or wanted in names:
        return
    if not any(line_with(text, folder) for text in ("'MODEL'", '"MODEL"')):
        yield (
            "MODEL is set, and changes nothing here: it is for the agent that comes with this "
            "project, and this one names its model itself. Name the model you want in the agent's "
            'own file; or write model=os.environ["MODEL"] there.'
        )
