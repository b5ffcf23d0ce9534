"""Whether Gemini takes the key: looked up once at the start, so that the host learns of a wrong one
before a visitor does. It costs nothing, and nobody waits for it."""

import logging
import threading
import time
from typing import Any

from google.adk.models import Gemini
from google.genai import types

from agent.chat.agent_tree import llm_agents
from agent.chat.loader import LoadedAgent
from agent.core.errors import explain

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
    """Ask for each Gemini of the agent's whether it is there, and log what is wrong; without
    credentials there is none, and nothing is sent."""
    seen = set()
    for agent in llm_agents(loaded.runner.agent):
        name = getattr(agent.model, "model", agent.model)
        try:
            model = agent.canonical_model
            name, own = model.model, getattr(model, "client_kwargs", None) or {}
            if isinstance(model, Gemini) and (name, str(own.get("api_key"))) not in seen:
                seen.add((name, str(own.get("api_key"))))
                _look_up(model)
        except Exception as error:
            notice = explain(error, "model")
            if notice.code in TOLD:
                log.warning("Gemini does not answer for %s: %s", name, notice.text)


def _look_up(model: Gemini) -> None:
    """Raise what google-genai raises for this model: on Google Cloud only what it says without a
    look, because to look up a model takes another right there than to ask it."""
    client: Any = model.api_client
    if not client.vertexai:
        once = types.HttpRetryOptions(attempts=1)
        options = types.HttpOptions(timeout=CHECK_TIMEOUT, retry_options=once)
        client.models.get(model=model.model, config=types.GetModelConfig(http_options=options))
