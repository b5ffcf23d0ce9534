"""The page: a Gradio ChatInterface, with its events wired in a cheaper way."""

from typing import Any

import gradio as gr
from gradio.events import Dependency

from agent.chat.loader import LoadedAgent
from agent.chat.registry import Registry
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.text import duration
from agent.models.offline import HOW_TO_ADD_A_KEY
from agent.page.browser import ASSETS, js
from agent.page.controls import AT_ONCE, PLACEHOLDER, QUEUED, clear, nothing
from agent.page.gradio_internals import (
    RewiredInterface,
    keep_globals,
    set_preview,
    set_storage_secret,
)
from agent.page.handlers import Handlers, Respond
from agent.page.protocol import edit, pick
from agent.page.sidebar import SideBar
from agent.page.states import KEY
from agent.render.markdown import FORMULA


class ChatPage(RewiredInterface):
    """A ChatInterface around `respond`, which carries its answers to the browser cheaply.

    Args:
        respond: The function of a ChatInterface that answers.
        loaded: The agent on show.
        registry: Its conversations.
    """

    def __init__(self, respond: Respond, loaded: LoadedAgent, registry: Registry) -> None:
        respond = keep_globals(respond)
        self.handlers = Handlers(respond, loaded, registry)
        self.states = self.handlers.states
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
                latex_delimiters=[FORMULA],
                autoscroll=False,  # chat.js does it.
            ),
            textbox=gr.Textbox(
                elem_id="message",
                label="Message",
                show_label=False,
                placeholder=PLACEHOLDER,
                scale=7,
                autofocus=True,
                submit_btn="Send",
                stop_btn="Stop",
            ),
            title=loaded.title,
            description=describe(loaded, registry.settings),
            examples=examples_for(loaded, registry.settings),
            cache_examples=False,
            analytics_enabled=False,
        )
        set_storage_secret(self, KEY)
        set_preview(loaded.title, loaded.description)

    def launch(self, *args: Any, **options: Any) -> Any:
        """`Blocks.launch`, with what the browser needs for this page."""
        head = ASSETS["head"] + (options.pop("head", None) or "")
        return super().launch(*args, **{**ASSETS, **options, "head": head})

    def wire_events(self) -> None:
        """What happens when. By ChatInterface's own events each message is sent three times, one
        after the other, before the model is asked, with all that is on the page."""
        states, shown = self.states, [self.chatbot, self.textbox]
        # Until it is known what there is to show; so here, beside the step that unlocks it.
        self.textbox.interactive = False
        states.render()
        replayed = self._wire_arrival()
        run = self._wire_run()
        self._wire_questions()
        emptied = [states.page, states.session_id, *shown]
        self._wire_ends([run, replayed], emptied)
        SideBar(states, [states.page, states.session_id, states.refresh, *shown], emptied)
        self._wire_programs()

    def _wire_arrival(self) -> Dependency:
        """A page that is opened, or is behind, is shown what there is."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        # Not by `launch(js=…)`, which Gradio 6.26 takes for a script, and 6.31 for a function.
        self.load(None, None, None, js=js("watchPage"), **AT_ONCE)
        arrived = self.load(
            self.handlers.arrive,
            [states.visitor, states.session_id],
            [*states.who, states.refresh, box],
            js=js("recallSession"),
            show_progress_on=states.asked,
            **QUEUED,
        )
        arrived.then(None, box, box, js=js("unsent"), **AT_ONCE)
        states.session_id.change(None, states.session_id, box, js=js("rememberSession"), **AT_ONCE)
        replayed = states.refresh.change(
            self.handlers.replay,
            states.page,
            [chatbot, box, states.cards, states.result_timer],
            show_progress_on=states.asked,  # Else each update tells these of it, too.
            **QUEUED,
        )
        states.result_timer.tick(
            states.with_page_state(self.handlers.look_for_result),
            states.who,
            states.refresh,
            **QUEUED,
        )
        replayed.then(None, chatbot, None, js=js("keepPage"), **AT_ONCE)
        for step in (arrived, replayed):
            step.failure(None, None, box, js=js("unlock"), **AT_ONCE)
        return replayed

    def _wire_run(self) -> Dependency:
        """Whatever is asked is answered; and what could not be sent is given back."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        run = states.asked.change(
            self.handlers.run,
            [states.asked, *states.who],
            [
                *(states.answer, states.over, states.page, states.refresh),
                *(states.cards, states.result_timer),
            ],
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
        states.over.change(None, [states.over, states.asked], box, js=js("endAnswer"), **AT_ONCE)
        states.cards.change(None, states.cards, None, js=js("showCards"), **AT_ONCE)
        given_back = [chatbot, box]
        run.failure(None, [states.asked, chatbot], given_back, js=js("giveBack"), **AT_ONCE)
        return run

    def _wire_questions(self) -> None:
        """All the ways in which something is asked."""
        chatbot, box, states = self.chatbot, self.textbox, self.states
        sent = [states.asked, box]
        edited = chatbot.edit(edit, None, states.edited, **AT_ONCE)
        for step in (
            box.submit(None, [box, chatbot, states.asked], sent, js=js("ask"), **AT_ONCE),
            chatbot.retry(None, [chatbot, states.asked], sent, js=js("retry"), **AT_ONCE),
            chatbot.example_select(pick, None, sent, **AT_ONCE),
            edited.success(None, [states.edited, chatbot], sent, js=js("edit"), **AT_ONCE),
        ):
            step.then(None, [states.asked, chatbot], chatbot, js=js("showQuestion"), **AT_ONCE)
        states.replied.submit(None, [chatbot, states.asked], sent, js=js("reply"), **AT_ONCE)

    def _wire_ends(self, runs: list[Any], emptied: list[Any]) -> None:
        """Stop, Undo and Clear, which changes what is `emptied`."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        box.stop(
            states.with_page_state(self.handlers.stop), [*states.who, states.asked], None, **AT_ONCE
        )
        chatbot.undo(None, chatbot, states.undone, js=js("askUndo"), **AT_ONCE)
        undone = states.undone.change(
            states.with_page_state(self.handlers.undo), states.who, states.session_id, **AT_ONCE
        )
        undone.success(None, chatbot, [chatbot, box], js=js("undo"), **AT_ONCE)
        # First the run is cancelled, then its page cleared: the other way round it would repaint.
        cancelled = chatbot.clear(None, None, box, js=js("lock"), cancels=runs, **AT_ONCE)
        passed = cancelled.then(nothing, None, None, **AT_ONCE)
        cleared = passed.then(states.with_page_state(clear), states.who, emptied, **AT_ONCE)
        for step in (passed, cleared):
            step.failure(None, None, box, js=js("unlock"), **AT_ONCE)

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


def describe(loaded: LoadedAgent, settings: Settings) -> str:
    """What stands below the title."""
    offline = "Answered by the **built-in offline model**, which is not an AI. " + HOW_TO_ADD_A_KEY
    paused = SENTENCES["paused"] if settings.demo_paused and loaded.costs else ""
    kept = where_chats_are_kept(loaded, settings)
    lines = loaded.description, offline if loaded.is_offline else "", paused, f"*{kept}*"
    return "\n\n".join(filter(None, ("<div class=about>", *lines, "</div>")))


def where_chats_are_kept(loaded: LoadedAgent, settings: Settings) -> str:
    """A sentence for visitors."""
    where = "in this server's memory" if loaded.forgets else "on this server"
    until = ", until it restarts or" if loaded.forgets or loaded.is_emptied else ""
    time = duration(settings.session_idle)
    return f"Chats are kept {where}{until} for {time} after their last message."


def examples_for(loaded: LoadedAgent, settings: Settings) -> list[list[str]] | None:
    """The messages to begin with, which suit the model that answers; None if there are none."""
    is_offline = loaded.is_offline or (settings.demo_paused and loaded.costs)
    examples = loaded.offline_examples if is_offline else loaded.examples
    return [[example] for example in examples or loaded.examples] or None
