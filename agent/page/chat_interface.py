"""The page: a Gradio ChatInterface, with its events wired in a cheaper way."""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.events import Dependency

from agent.chat.agents import Agents
from agent.chat.loader import LoadedAgent, to_title
from agent.core.colours import PAGE
from agent.core.language import ENGLISH, N_, _, direction, language
from agent.core.sign_in import SignIn
from agent.page.browser import (
    ASSETS,
    early_words,
    in_language,
    js,
    template_box,
    template_head,
)
from agent.page.controls import AT_ONCE, PLACEHOLDER, QUEUED, SEND, STOP
from agent.page.feedback import FeedbackForm
from agent.page.gradio_internals import (
    RewiredInterface,
    keep_globals,
    number_of,
    set_storage_secret,
    take_over_template,
)
from agent.page.handlers import Handlers, Respond
from agent.page.header import Header, describe, examples_for
from agent.page.languages import to_choice
from agent.page.page_state import PageState
from agent.page.preloading import preloads
from agent.page.protocol import choose, edit, pick
from agent.page.settings_panel import SettingsPanel, is_offered
from agent.page.side_by_side import SidesPanel
from agent.page.sidebar import SideBar
from agent.page.states import KEY, about_files
from agent.page.stream_panel import StreamPanel
from agent.page.talks import Talks, are_offered
from agent.page.task_panel import TaskPanel
from agent.render.formulas import LATEX_DELIMITERS

# The properties of components that are words of this app's own, all as English as they were made.
WORDED = ("label", "placeholder", "info", "submit_btn", "stop_btn", "value")


def worded(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A component's properties in the reader's language, and in its direction."""
    own = {name: value for name, value in properties.items() if name in WORDED}
    if language() == ENGLISH:
        return dict(properties)
    words = {name: _(value) for name, value in own.items() if isinstance(value, str)}
    is_from_right = {"rtl": direction() == "rtl"} if "rtl" in properties else {}
    return {**properties, **words, **is_from_right}


class ChatPage(RewiredInterface):
    """A ChatInterface around `respond`, which carries its answers to the browser cheaply.

    Args:
        respond: The function of a ChatInterface that answers.
        agents: Those on show.
    """

    def __init__(self, respond: Respond, agents: Agents) -> None:
        respond = keep_globals(respond)
        self.handlers = Handlers(respond, agents)
        self.states = self.handlers.states
        self.header: Header | None = None
        self._choice: gr.HTML | None = None
        there = {"tasks": agents.have_tasks, "sides": agents.settings.side_by_side}
        # What not every page has (browser.py).
        self._parts = [name for name, is_there in there.items() if is_there]
        self._agents, first = agents, agents.first.loaded
        super().__init__(
            respond,
            # For Gradio's own events, should it ever not know ours: see `RewiredInterface`.
            additional_inputs=[self.states.page],
            additional_outputs=[self.states.page],
            additional_inputs_accordion=gr.Accordion(visible=False, render=False),
            concurrency_limit=None,
            chatbot=gr.Chatbot(
                elem_id="conversation",
                height=160,  # At least; it takes what room there is, on a phone not much.
                scale=1,
                show_label=False,
                editable="user",
                buttons=["copy", "copy_all"],
                latex_delimiters=LATEX_DELIMITERS,
                autoscroll=False,  # chat.js does it.
            ),
            textbox=gr.Textbox(
                elem_id="message",
                label=N_("Message"),
                show_label=False,
                placeholder=PLACEHOLDER,
                scale=7,
                autofocus=True,
                submit_btn=SEND,
                stop_btn=STOP,
            ),
            title=first.title,
            description=describe(first, agents.settings),
            examples=examples_for(first, agents.settings),
            cache_examples=False,
            analytics_enabled=False,
        )
        set_storage_secret(self, KEY)
        head = template_head() + preloads(self.config["components"])
        take_over_template(head, template_box())

    @property
    def expects_oauth(self) -> bool:
        """Whether Gradio adds the routes by which one signs in with Hugging Face: `serve` has found
        that one can."""
        here: SignIn = getattr(self, "sign_in", SignIn())
        return here.by == "huggingface" or bool(super().expects_oauth)

    def launch(self, *args: Any, **options: Any) -> Any:
        """`Blocks.launch`, with what the browser needs for this page."""
        head = ASSETS["head"] + (options.pop("head", None) or "")
        # By itself Gradio's form for a password does not say where one signs in.
        about = {"auth_message": escape(str(self.title))} if options.get("auth") else {}
        return super().launch(*args, **{**ASSETS, **about, **options, "head": head})

    def render_header(self) -> None:
        """Title, description, and which agent of several is on the page."""
        self.header = Header(self._agents)

    def show_host(self, is_reloading: bool) -> None:
        """Tell the host what visitors need not know; before the page is launched."""
        if self.header:
            self.header.show_host(is_reloading)

    def config_for(self, config: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """The config of a page at an address with this query: about the agent that the query names,
        as far as that is known before it is loaded; in the reader's language.

        Args:
            config: Gradio's own; without `head` and `components` where one has to sign in first.
            query: `agent` may name one of those on show.
        """
        agents, name = self._agents, query.get("agent", "")
        name = name if name in agents.names else agents.first_name
        registry = agents.awake(name)
        loaded = registry.loaded if registry else None
        own = {"title": self.title, **config, "look": self._look(name, loaded)}
        own["simple_description"] = loaded.description if loaded else ""
        if agents.are_several:
            own["title"] = loaded.title if loaded else to_title(name)
        own |= {"language": language(), "direction": direction()}
        head, components = config.get("head"), config.get("components")
        own["head"] = in_language(head, self._parts) if head else ""
        if components:
            changed = self._changed_properties(name)
            own["early"] = early_words()
            own["components"] = [
                {
                    **component,
                    "props": {**worded(component["props"]), **changed.get(component["id"], {})},
                }
                for component in components
            ]
        return own

    def _look(self, name: str, loaded: LoadedAgent | None) -> dict[str, Any]:
        """How the agent of this name looks, for static/head.html. It may not be loaded yet."""
        look, are_several = loaded.look if loaded else None, self._agents.are_several
        return {
            "place": f"look/{quote(name, safe='')}",
            "query": f"?agent={quote(name)}" if are_several else "",
            "colours": PAGE,
            "has_card": bool(look and look.card),
            # Of an agent that is not loaded yet it may have some; and another may come (agents.js).
            "has_style": are_several or not (look and look.is_plain),
        }

    def _changed_properties(self, name: str) -> dict[int, dict[str, Any]]:
        """What is not as Gradio has it, by the components' ids: it depends on the agent of this
        name, on the reader, or on how the page was launched."""
        changed: dict[int, dict[str, Any]] = {
            number_of(self.states.page_facts): {"value": self._page_facts()},
        }
        if self._choice:
            choice = to_choice(self._agents.settings.languages)
            changed[number_of(self._choice)] = {"value": choice}
        if self.header:
            changed |= self.header.changed(name, self.chatbot)
        return changed

    def _page_facts(self) -> dict[str, Any]:
        """What a page knows from the start: of files, how many characters a message can have, and
        whether its visitor may be somebody who has chats though the browser knows of none."""
        here: SignIn = getattr(self, "sign_in", SignIn())
        settings = self._agents.settings
        return {
            "files": about_files(settings),
            "longest": settings.max_message_length,
            "knowsPeople": bool(here.by),
        }

    def show_agent(self, page: PageState) -> list[Any]:
        """The agent on a page that has arrived, as `Header` shows it."""
        assert self.header
        name = self._agents.name_of(page.registry)
        return [gr.update(**changed) for changed in self.header.properties(name)]

    def wire_events(self) -> None:
        """What happens when. By ChatInterface's own events each message is sent three times, one
        after the other, before the model is asked, with all that is on the page."""
        states, shown = self.states, [self.chatbot, self.textbox]
        # Until it is known which chat is shown, or that none is; so here, beside the
        # steps that unlock it.
        self.textbox.interactive = False
        states.render()
        arrived, replayed = self._wire_arrival()
        self._wire_run()
        self._wire_questions()
        undone = self._wire_ends()
        emptied = [states.page, states.session_id, *shown]
        opened = [*emptied[:2], states.refresh, *shown]
        side_bar = SideBar(states, opened, emptied)
        if self._agents.settings.feedback:
            FeedbackForm(states)
        with gr.Row(elem_id="below"):
            if is_offered(self._agents.settings):
                SettingsPanel(states)
            if self._agents.settings.side_by_side:
                SidesPanel(states)
            StreamPanel(
                states,
                [states.over.change, replayed.then, undone.success, side_bar.deleted.success],
            )
            self._choice = gr.HTML(elem_id="language")
        if "tasks" in self._parts:
            TaskPanel(states, opened, [arrived.then, side_bar.forgotten.then])
        if are_offered(self._agents):
            Talks(states)
        self._wire_programs()

    def _wire_arrival(self) -> tuple[Dependency, Dependency]:
        """A page that is opened, or is behind, is sent the chat that it shows."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        # Not by `launch(js=…)`, which some releases of Gradio take for a script, not a function.
        self.load(None, [states.page_facts, states.visitor], box, js=js("watchPage"), **AT_ONCE)
        # Not in the queue, which would take another way there and back.
        arrived = self.load(
            self.handlers.arrive,
            states.who[1:],
            [*states.who, states.refresh, states.page_facts],
            js=js("recall", "chatArrival"),
            show_progress="hidden",
            **AT_ONCE,
        )
        if self.header and self.header.picker:
            parts = self.header.parts(chatbot)
            shown = arrived.success(self.show_agent, states.page, parts, **AT_ONCE)
            shown.success(None, states.agent, None, js=js("remember", "chatAgents"), **AT_ONCE)
            self.header.picker.input(
                None, self.header.picker, None, js=js("choose", "chatAgents"), **AT_ONCE
            )
        known = [box, states.visitor, states.session_id, states.asked, states.page_facts]
        arrived.then(None, known, box, js=js("arrived", "chatArrival"), **AT_ONCE)
        states.session_id.change(None, states.session_id, box, js=js("rememberSession"), **AT_ONCE)
        replayed = states.refresh.change(
            self.handlers.replay,
            states.page,
            [chatbot, box, states.cards, states.result_timer, states.ratings, states.times],
            js=js("askForPage"),
            show_progress_on=states.asked,  # Else each update tells these of it, too.
            **QUEUED,
        )
        states.result_timer.tick(
            states.with_page_state(self.handlers.look_for_result),
            states.who,
            states.refresh,
            **QUEUED,
        )
        replayed.then(None, chatbot, states.refresh, js=js("keepPage"), **AT_ONCE)
        states.times.change(None, states.times, None, js=js("know", "chatTimes"), **AT_ONCE)
        for step in (arrived, replayed):
            step.failure(None, None, box, js=js("unlock"), **AT_ONCE)
        return arrived, replayed

    def _wire_run(self) -> None:
        """Whatever is asked is answered; and what could not be sent is given back."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        run = states.asked.change(
            self.handlers.run,
            [states.asked, *states.who],
            # As few as can be: Gradio works, and sends a little, for each at every update.
            [states.answer, states.over, states.page],
            js=js("send", "chatArrival"),
            api_name="respond",
            trigger_mode="multiple",
            show_progress_on=states.asked,  # Else Gradio covers the chat when it fails.
            preprocess=False,
            postprocess=False,  # It takes a thread each time.
            **QUEUED,
        )
        # Listeners of one event run in the order in which they are made.
        states.over.change(None, js=js("redrawNow"), **AT_ONCE)
        gr.on(
            [states.answer.change, states.redraw_timer.tick, states.over.change],
            None,
            [states.answer, states.asked, chatbot],
            [chatbot, states.visitor, states.session_id, states.redraw_timer],
            js=js("showAnswer"),
            trigger_mode="multiple",
            **AT_ONCE,
        )
        states.over.change(
            None,
            [states.over, states.asked],
            [box, states.refresh, states.result_timer],
            js=js("endAnswer"),
            **AT_ONCE,
        )
        states.cards.change(None, states.cards, None, js=js("showCards"), **AT_ONCE)
        given_back = [chatbot, box]
        run.failure(None, [states.asked, chatbot], given_back, js=js("giveBack"), **AT_ONCE)

    def _wire_questions(self) -> None:
        """All the ways in which something is asked."""
        chatbot, box, states = self.chatbot, self.textbox, self.states
        sent = [states.asked, box]
        edited = chatbot.edit(edit, None, states.edited, **AT_ONCE)
        chosen = chatbot.option_select(choose, None, states.chosen, **AT_ONCE)
        offered = [states.chosen, chatbot, states.asked]
        for step in (
            box.submit(None, [box, chatbot, states.asked], sent, js=js("ask"), **AT_ONCE),
            chatbot.retry(None, [chatbot, states.asked], sent, js=js("retry"), **AT_ONCE),
            chatbot.example_select(pick, None, sent, **AT_ONCE),
            chosen.success(None, offered, sent, js=js("goOn"), **AT_ONCE),
            edited.success(None, [states.edited, chatbot], sent, js=js("edit"), **AT_ONCE),
        ):
            step.then(None, [states.asked, chatbot], chatbot, js=js("showQuestion"), **AT_ONCE)
        states.replied.submit(None, [chatbot, states.asked], sent, js=js("reply"), **AT_ONCE)

    def _wire_ends(self) -> Dependency:
        """Stop and Undo; what follows the latter."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        box.stop(
            states.with_page_state(self.handlers.stop), [*states.who, states.asked], None, **AT_ONCE
        )
        chatbot.undo(None, chatbot, states.undone, js=js("askUndo"), **AT_ONCE)
        undone = states.undone.change(
            states.with_page_state(self.handlers.undo), states.who, states.session_id, **AT_ONCE
        )
        undone.success(None, chatbot, [chatbot, box], js=js("undo"), **AT_ONCE)
        return undone

    def _wire_programs(self) -> None:
        """`/chat` for Gradio's clients."""
        text, reply = (gr.Textbox(visible=False, label=name) for name in ("message", "answer"))
        gr.Button(visible=False).click(
            self.handlers.chat,
            [text, self.states.page],
            [reply, self.states.page],
            api_name="chat",
            concurrency_limit=None,
        )
