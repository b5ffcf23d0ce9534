"""The panel in which a visitor chooses how the next messages are answered, and on which key.

What is chosen stands in the browser (static/settings.js), for that window alone, and comes with
each question; a key only in the page's memory. The browser asks for what the panel offers when it
is opened.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gradio as gr
from google.adk.agents import LlmAgent

from agent.chat.agent_tree import llm_agents
from agent.chat.loader import LoadedAgent
from agent.chat.model_options import can_have, thinks
from agent.core.language import N_, _
from agent.core.settings import Settings
from agent.core.text import split_words
from agent.models.credentials import name_of
from agent.models.offline import OfflineModel
from agent.models.without_key import is_offline, takes_own_key
from agent.page.browser import js
from agent.page.controls import AT_ONCE
from agent.page.page_state import PageState
from agent.page.states import States

# What the offline model follows of it.
OFFLINE = N_(
    "The built-in offline model answers here, which is not an AI. Of these settings it follows "
    "only whether answers are shown as they are written; the others take effect with an AI."
)

# What is shown of an instruction that a function writes.
WRITTEN_ANEW = N_("It is written anew for each message.")

OWN_KEY = N_(
    "Your key stays in this page's memory: it is stored nowhere, and gone when you load the page "
    "again or close it. With each message it goes over this page's server to Google, which counts "
    "the answer on it."
)
NO_STAND_IN = N_(
    "If it is not accepted, you are told so, and nothing else is asked in its place. How many "
    "messages can be sent here stays the same."
)
NOTHING = N_("There is nothing to be set with this agent.")
UNTIL_THEN = N_("Without a key the built-in offline model answers, which is not an AI.")


class SettingsPanel:
    """Made inside the page. It is empty while it is closed.

    Args:
        states: The page's.
    """

    def __init__(self, states: States) -> None:
        # What it fires is named in static/settings.js: "expand" asks for what it offers.
        place = gr.HTML(elem_id="settings", js_on_load="chatSettings.watch(element, trigger)")
        reply = gr.JSON(visible=False)
        place.expand(states.with_page_state(look), states.who, reply, **AT_ONCE)
        reply.change(None, reply, None, js=js("show", "chatSettings"), **AT_ONCE)


def is_offered(settings: Settings) -> bool:
    """Whether there is anything to choose."""
    return bool(settings.choices or settings.visitor_keys)


async def look(page: PageState) -> dict[str, Any]:
    """What the panel offers with the page's agent."""
    return offered(page.registry.loaded, page.registry.settings)


def offered(loaded: LoadedAgent, settings: Settings) -> dict[str, Any]:
    """What the panel offers, as static/settings.js takes it: only what has an effect with this
    agent."""
    agents = list(_with_models(loaded))
    names = [name for name in split_words(settings.models) if _can_choose(name, agents, loaded)]
    own = [name_of(agent.canonical_model) for agent in agents]
    has_thoughts = any(map(thinks, (*own, *names)))
    fields: dict[str, Any] = {
        "model": {"names": names} if names else None,
        "temperature": {},
        "max_output_tokens": {"most": settings.max_output_tokens},
        "thinking": {} if has_thoughts else None,
        "streaming": {"isOn": settings.streaming == "sse"},
        "instruction": {"texts": list(_instructions(agents))} if agents else None,
    }
    chosen = {name: fields[name] for name in settings.choices if fields[name] is not None}
    has_ai = any(not is_offline(agent.canonical_model) for agent in agents)
    takes_key = settings.visitor_keys and any(
        takes_own_key(agent.canonical_model) for agent in agents
    )
    about_key = [OWN_KEY, NO_STAND_IN, *([] if has_ai else [UNTIL_THEN])]
    note = _(NOTHING) if not (chosen or takes_key) else ""
    if agents and not has_ai and chosen.keys() - {"streaming", "instruction"}:
        note = _(OFFLINE)
    return {
        "fields": chosen,
        "note": note,
        "aboutKey": " ".join(map(_, about_key)) if takes_key else "",
    }


def _with_models(loaded: LoadedAgent) -> Iterator[LlmAgent]:
    for agent in llm_agents(loaded.runner.agent):
        with suppress(Exception):  # What cannot be made fails when it is called, and says why.
            assert agent.canonical_model
            yield agent


def _can_choose(name: str, agents: list[LlmAgent], loaded: LoadedAgent) -> bool:
    return any(
        can_have(agent, name, loaded.named_models)
        for agent in agents
        if not isinstance(agent.canonical_model, OfflineModel)
    )


def _instructions(agents: list[LlmAgent]) -> Iterator[tuple[str, str]]:
    """Of each agent that has one: whose it is, where there are several, and the text."""
    for agent in agents:
        if agent.instruction:
            written = agent.instruction
            text = written if isinstance(written, str) else _(WRITTEN_ANEW)
            yield agent.name if len(agents) > 1 else "", text
