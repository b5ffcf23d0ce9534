"""What stands above the chat and in its middle: which agent it is, what it does, and messages to
begin with."""

import re
from typing import Any

import gradio as gr

from agent.chat.agents import Agents
from agent.chat.loader import LoadedAgent, to_title
from agent.core.language import N_, _
from agent.core.notices import Notice
from agent.core.settings import Settings
from agent.core.text import duration
from agent.page.gradio_internals import number_of

# Where a chat, or all of them, can be deleted, and the agent's memory cannot.
REMEMBERS_FOR_GOOD = N_(
    "What the agent notes for later chats is kept elsewhere, and stays when a chat is deleted."
)

# What a visitor can do about the offline model on a page that takes keys.
GIVE_A_KEY = N_(
    "With a key of your own, which you can give in the settings below the text box, the AI answers."
)

# What the host may miss on such a page. English, as all that is for hosts.
NOT_OFFERED = (
    "Those of the agent's `EXAMPLES` that the offline model would not understand are not shown."
)

# Where a recording answers, and where one is made.
PLAYED = N_(
    "**These answers are a recording** of {models}, made on {dates}: no AI is asked, and nothing "
    "else can be answered."
)
RECORDED = N_(
    "**This page is being recorded**: what is asked and answered here is also written to a file "
    "that the owner of this page keeps, and stays there when a chat is deleted."
)

# The name of an agent that could not be loaded: for visitors, and for the host.
BEING_MENDED = N_("{title} (being mended)")
NOT_LOADED = N_("{title} (could not be loaded)")


class Header:
    """Made inside the page; it shows the first agent that works until it is told of another.

    Args:
        agents: Those on show.
    """

    def __init__(self, agents: Agents) -> None:
        self._agents, first = agents, agents.first.loaded
        # Whether the host alone can open the page, and whether Gradio loads what has changed.
        self._for_host = self._is_reloading = False
        # Where one of several agents is chosen.
        self.picker: gr.Dropdown | None = None
        if agents.are_several:
            self.picker = gr.Dropdown(
                self._choices(),
                value=agents.first_name,
                label=N_("Agent"),
                elem_id="agents",
                filterable=False,  # On a phone it would open the keyboard.
            )
        self._title = gr.Markdown(heading(first.title))
        self._description = gr.Markdown(self._describe(first))

    def show_host(self, is_reloading: bool) -> None:
        """Tell the host why an agent could not be loaded, in place of what visitors read, and what
        an AI needs."""
        self._for_host, self._is_reloading = True, is_reloading
        if self.picker:
            self.picker.choices = self._choices()
        self._description.value = self._describe(self._agents.first.loaded)

    def _choices(self) -> list[Any]:
        """The agents by their titles, with a mark at those that are known to be broken: others are
        loaded when they are chosen."""
        awake = {name: self._agents.awake(name) for name in self._agents.names}
        broken = {
            name for name, registry in awake.items() if registry and registry.loaded.why_not_loaded
        }
        marked = _(NOT_LOADED if self._for_host else BEING_MENDED)
        forms = {name: marked if name in broken else "{title}" for name in awake}
        return [(form.format(title=to_title(name)), name) for name, form in forms.items()]

    def _describe(self, loaded: LoadedAgent) -> str:
        if loaded.why_not_loaded and self._for_host:
            return explanation(loaded.why_not_loaded, self._is_reloading)
        return describe(loaded, self._agents.settings, self._for_host)

    def parts(self, chatbot: gr.Chatbot) -> list[Any]:
        """The components that have the `properties`."""
        return [self.picker, self._title, self._description, chatbot]

    def changed(self, name: str, chatbot: gr.Chatbot) -> dict[int, dict[str, Any]]:
        """How an agent is shown on a page that is about to be opened: the `properties` of each
        component by its id."""
        shown = zip(self.parts(chatbot), self.properties(name), strict=True)
        return {number_of(part): properties for part, properties in shown if part}

    def properties(self, name: str) -> list[dict[str, Any]]:
        """How an agent is shown: properties of the picker, the title, the description and the
        chatbot. Of one that is not loaded yet nothing is known but its name."""
        agents, registry = self._agents, self._agents.awake(name)
        loaded = registry.loaded if registry else None
        examples = examples_for(loaded, agents.settings) if loaded else None
        return [
            {"value": name, "choices": self._choices()},
            {"value": heading(loaded.title if loaded else to_title(name))},
            {"value": self._describe(loaded) if loaded else ""},
            {"examples": [{"text": text} for [text] in examples or ()]},
        ]


def heading(title: str) -> str:
    """The title of the page, as HTML."""
    return f'<h1 class="chat-title">{title}</h1>'


def describe(loaded: LoadedAgent, settings: Settings, for_host: bool = False) -> str:
    """What stands below the title; for the host with what has to be done for an AI."""
    offline = (
        _(
            "In part answered by the **built-in offline model**, which is not an AI: no AI is "
            "connected."
        )
        if loaded.costs
        else _(
            "Answered by the **built-in offline model**, which is not an AI: no AI is connected."
        )
    )
    offline += f" {_(GIVE_A_KEY)}" if loaded.waits_for_keys else ""
    if for_host:
        left_out = not set(loaded.examples) <= set(loaded.offline_examples or loaded.examples)
        host_note = f"{loaded.how_to_connect} {NOT_OFFERED if left_out else ''}".strip()
        # Which is English for every reader (core/language).
        offline += f'\n\n<div lang="en" dir="ltr">\n\n{host_note}\n\n</div>' if host_note else ""
    paused = Notice("paused").text if settings.demo_paused and loaded.costs else ""
    kept, tape = where_chats_are_kept(loaded, settings), loaded.tape
    played, recorded = "", _(RECORDED) if tape.recorder else ""
    if recording := tape.recording:
        played = _(PLAYED).format(models=recording.models, dates=recording.dates)
    is_failed = bool(loaded.why_not_loaded)
    description = Notice("being_mended").text if is_failed else loaded.description
    offline = offline if loaded.is_offline else ""
    lines = description, offline, paused, played, recorded, f"*{kept}*"
    # Without a description there is nothing to be said in large letters (looks.css).
    opening = "<div class=about>" if loaded.description else '<div class="about bare">'
    return "\n\n".join(filter(None, (opening, *lines, "</div>")))


def explanation(why_not_loaded: str, is_reloading: bool) -> str:
    """What the host of an agent that could not be loaded reads below the title, as Markdown.

    Args:
        why_not_loaded: Whatever is in it is shown to the letter.
        is_reloading: Whether Gradio loads the agent again when a file changes.
    """
    fence = max(["```", *(f"{run}`" for run in re.findall("`{3,}", why_not_loaded))], key=len)
    how = (
        _(
            "As soon as you save a Python file of the agent, it is loaded again, and so is this "
            "page."
        )
        if is_reloading
        else _("Mend it, and start the app again: Ctrl-C in its terminal, and the same command.")
    )
    lines = (
        _("This agent could not be loaded."),
        _(
            "You read why because only this machine can open the page; visitors of a public page "
            "read that the agent is being mended."
        ),
        f"{fence}text\n{why_not_loaded}\n{fence}",
        how,
    )
    return "\n\n".join(("<div class=about>", *lines, "</div>"))


def where_chats_are_kept(loaded: LoadedAgent, settings: Settings) -> str:
    """A sentence for visitors."""
    if loaded.forgets:
        kept = _(
            "Chats are kept in this server's memory, until it restarts or for {time} after their "
            "last message."
        )
    elif loaded.is_emptied:
        kept = _(
            "Chats are kept on this server, until it restarts or for {time} after their last "
            "message."
        )
    else:
        kept = _("Chats are kept on this server for {time} after their last message.")
    kept = kept.format(time=duration(settings.session_idle))
    return f"{kept} {_(REMEMBERS_FOR_GOOD)}" if loaded.remembers_for_good else kept


def examples_for(loaded: LoadedAgent, settings: Settings) -> list[list[str]] | None:
    """The messages to begin with, which suit the model that answers; None if there are none."""
    is_offline = loaded.is_offline or (settings.demo_paused and loaded.costs)
    examples = loaded.offline_examples if is_offline else loaded.examples
    # The offline model has some of its own.
    return [[_(example)] for example in examples or loaded.examples] or None
