"""Whether Gemini takes the key: looked up once at the start, so that the host learns of a wrong one
before a visitor does. It costs nothing, and nobody waits for it."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from google.adk.models import Gemini
from google.genai import types

from agent.chat.agent_tree import llm_agents
from agent.chat.loader import LoadedAgent
from agent.core.errors import explain
from agent.core.notices import Notice
from agent.models.without_key import is_offline

log = logging.getLogger(__name__)

# Seconds after the start at which the page is there, and warm.
CHECK_DELAY = 2.0

# Milliseconds that a look may take.
CHECK_TIMEOUT = 10_000

# What the host should know of; anything else may be over when the first visitor comes.
TOLD = ("bad_key", "no_key", "key_not_allowed", "no_such_model", "not_offered", "unreachable")


def check_keys_soon(loaded: LoadedAgent) -> None:
    """Check them in a thread of their own, which ends with the process."""
    threading.Thread(target=_check_later, args=(loaded,), daemon=True, name="key check").start()


def _check_later(loaded: LoadedAgent) -> None:
    time.sleep(CHECK_DELAY)
    check_keys(loaded)


def check_keys(loaded: LoadedAgent) -> None:
    """Log what is wrong with the agent's Geminis; without credentials nothing is sent."""
    for model, notice in look_up(loaded):
        if notice and notice.code in TOLD:
            log.warning("The AI model %s does not answer: %s", model, notice.text)


def look_up(loaded: LoadedAgent) -> Iterator[tuple[str, Notice | None]]:
    """Ask for each Gemini of the agent's whether it is there: its name, and what is wrong with it
    or its key, if anything is. Others cannot be asked without cost."""
    seen = set()
    for agent in llm_agents(loaded.runner.agent):
        name = getattr(agent.model, "model", agent.model)
        try:
            model = agent.canonical_model
            name, own = model.model, getattr(model, "client_kwargs", None) or {}
            if (
                not isinstance(model, Gemini)
                or is_offline(model)
                or (name, str(own.get("api_key"))) in seen
            ):
                continue
            seen.add((name, str(own.get("api_key"))))
            if not _look_up(model):
                continue
        except Exception as error:
            yield str(name), explain(error, "model")
        else:
            yield name, None


def _look_up(model: Gemini) -> bool:
    """Raise what google-genai raises for this model; whether it was looked up. On Google Cloud it
    is not, because to look up a model takes another right there than to ask it."""
    client: Any = model.api_client
    if client.vertexai:
        return False
    once = types.HttpRetryOptions(attempts=1)
    options = types.HttpOptions(timeout=CHECK_TIMEOUT, retry_options=once)
    client.models.get(model=model.model, config=types.GetModelConfig(http_options=options))
    return True
