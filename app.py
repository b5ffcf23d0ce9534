"""A streaming chat page for an ADK agent.

Run it:  python app.py [path/to/agent]     and open http://127.0.0.1:7860
"""

import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.events import Dependency
from starlette.middleware import Middleware

from agent.addresses import address_of
from agent.conversation import GONE_ON
from agent.directory import Directory
from agent.doors import doors
from agent.doors.refusals import unread
from agent.limits import PAUSED
from agent.loading import OURS, Loaded, NoAgent, load
from agent.messages import Message, to_messages, to_page
from agent.offline import HOW_TO_ADD_A_KEY
from agent.page.parts import (
    AT_ONCE,
    PLACEHOLDER,
    QUEUED,
    aloud,
    busy,
    clear,
    idle,
    news_if,
    nothing,
)
from agent.page.scripts import CONTAINED, FOLLOW, PLACE, WHERE
from agent.page.side_bar import SideBar
from agent.page.states import KEY, States
from agent.settings import Settings, read_settings
from agent.shield import Shield
from agent.sieve import Sieve
from agent.transcript import Transcript, answer, clean, notices
from agent.upkeep import upkeep
from agent.view import View, follow, reopen
from agent.warmth import warm_up
from agent.wording import time_told


class Chat:
    """A generator function that yields the accumulated text of ADK's SSE events, with one ADK
    session per Gradio State; and what else a visitor can do on the page."""

    def __init__(self, loaded: Loaded, directory: Directory) -> None:
        self._host, self._directory = loaded.runner.agent.name, directory
        self.settings = directory.settings
        self.states = States(directory, loaded.runner.app_name)

    async def respond(
        self,
        message: str,
        history: list[Message],
        view: View | None,
        visitor: object,
        place: object,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Answer on the page."""
        view = await self.states.find(view, visitor, place)
        turn = view.ask(message, count_turns(history), address(request))
        async for transcript in view.follow(turn):
            waiting = None if turn.over else turn.elapsed
            messages = to_messages(transcript, waiting, self._host)
            place = view.session_id if turn.past.invocation_id else gr.skip()
            who = gr.skip() if view.user_id == visitor else view.user_id
            yield messages, view, who, place, news_if(view.unsent or (turn.over and view.is_long))

    async def arrive(self, visitor: object, place: object) -> tuple[Any, ...]:
        """A page is opened: whose it is, and whether there is something to show on it."""
        view = await reopen(self._directory, str(visitor), str(place))
        if self._directory.store_fails:
            gr.Warning(NOT_LISTED)
        box = gr.skip() if view.session_id else idle(interactive=True)
        return view, view.user_id, view.session_id or "", news_if(view.session_id), box

    async def catch_up(self, view: View) -> AsyncIterator[tuple[Any, Any]]:
        """Show the conversation, and the answer that is on its way."""
        async for told, is_running in view.catch_up():
            page = to_page(told, self._host, view.hidden)
            yield page, busy() if is_running else gr.skip()
        if view.unsent:
            gr.Info(GONE_ON)
            yield gr.skip(), gr.Textbox(view.unsent)
            view.unsent = ""

    async def expect(self, view: View) -> None:
        """A message is on its way, and can be stopped already."""
        view.expect()

    async def stop(self, view: View) -> None:
        """End the running answer; what was said stays, and is remembered."""
        await view.stop()

    async def take_back(self, view: View) -> None:
        """Forget the last message on the page."""
        with aloud():
            await view.take_back()

    async def chat(
        self, message: str, view: View | None, request: gr.Request
    ) -> AsyncIterator[tuple[str, View]]:
        """Ask the agent; its answer so far, again and again until it is whole."""
        view = view or View(self._directory)
        async for transcript in follow(view.ask(message, len(view.shown), address(request))):
            yield to_text(transcript), view

    async def ask(self, message: str, request: gr.Request) -> str:
        """Ask the agent.

        Parameters:
            message: What to ask it.
        """
        view = View(self._directory)
        turn = view.ask(message, 0, address(request))
        try:
            async for _ in follow(turn):
                pass  # Cancelled by a client, it stops the turn.
        finally:
            view.forget_soon()
        return to_text(turn.transcript)


def page(loaded: Loaded, directory: Directory, for_mcp: bool = False) -> gr.ChatInterface:
    """The page, `/chat` for Gradio's clients, and a tool for MCP clients, if they are served."""
    chat = Chat(loaded, directory)
    demo = ChatPage(chat, loaded)
    with demo:
        text, reply = (gr.Textbox(visible=False, label=name) for name in ("message", "answer"))
        gr.Button(visible=False).click(
            chat.chat,
            [text, demo.states.view],
            [reply, demo.states.view],
            api_name="chat",
            # Gradio 6.31 fails where an MCP tool has a State among its outputs (gradio/mcp.py).
            api_visibility="undocumented" if for_mcp else "public",
            concurrency_limit=None,
        )
        if for_mcp:
            gr.api(chat.ask, api_description=loaded.description, concurrency_limit=None)
    return demo


TOO_LONG = (
    "This message, or the conversation before it, is too long to be sent. "
    "Shorten it, or press Clear."
)


NOT_LISTED = "Earlier chats cannot be reached at the moment. They are not lost."


class ChatPage(gr.ChatInterface):
    """A ChatInterface around `Chat.respond`; what it shows and what is remembered agree."""

    def __init__(self, chat: Chat, loaded: Loaded) -> None:
        self.chat, self.states = chat, chat.states
        super().__init__(
            chat.respond,
            chatbot=gr.Chatbot(
                scale=1,
                show_label=False,
                editable="user",
                buttons=["copy", "copy_all"],
                autoscroll=False,  # FOLLOW does it.
            ),
            textbox=gr.Textbox(
                elem_id="message",
                label="Message",
                show_label=False,
                placeholder=PLACEHOLDER,
                scale=7,
                autofocus=True,
                interactive=False,  # Until it is known what there is to show.
                submit_btn=True,
                stop_btn=True,
            ),
            additional_inputs=self.states.who,
            additional_outputs=[*self.states.who, self.states.news],
            # Gradio puts even a State into an "Additional inputs" panel; in one that is not there
            # at all, a BrowserState does not read the browser.
            additional_inputs_accordion=gr.Accordion(visible="hidden", render=False),
            title=loaded.title,
            description=describe(loaded, chat.settings),
            examples=[[example] for example in loaded.examples] or None,
            cache_examples=False,
            editable=True,
            flagging_mode="never",
            analytics_enabled=False,
            show_progress="hidden",
            concurrency_limit=None,
            api_visibility="private",
        )
        # ChatInterface keeps one in any case, and a page would complain of it after a restart.
        self.saved_conversations.secret = KEY
        states, shown = self.states, [self.chatbot, self.textbox]
        turned = [states.view, states.place, states.news, *shown]
        emptied = [states.view, states.place, *shown, self.chatbot_state, self.chatbot_value]
        with self:
            cast(Any, states.news).render()
            self._wire_arrival()
            self._wire_runs(emptied)
            SideBar(states, turned, emptied)

    def _setup_stop_events(
        self,
        event_triggers: list[Any],
        events_to_cancel: list[Dependency],
        after_success: Dependency,
    ) -> None:
        # Gradio's own Stop cancels the run: the page keeps what happened to be on it, and the agent
        # remembers a few words more. Ours ends the turn, and the run's last yield shows all.
        triggers = [*event_triggers, self.chatbot.edit, self.chatbot.option_select]
        super()._setup_stop_events(triggers, [], after_success)

    def _clear_and_save_textbox(self, message: Any) -> Any:
        # Half a character in what is typed would end Gradio's stream to this page.
        return super()._clear_and_save_textbox(clean(message or ""))

    def _wire_runs(self, emptied: list[Any]) -> None:
        """Stop and Clear for every kind of run, and a text box that comes back after each; Clear
        changes what is `emptied`.

        By itself Gradio 6.31 leaves the text box locked when a run fails, and lets an answer run
        on over a cleared page.
        """
        states, known = self.states, self.states.known
        runs = self._steps(lambda step: step.name in ("_submit_fn", "catch_up"))
        repaints = self._steps(lambda step: (self.chatbot_value._id, "change") in step.targets)
        self.textbox.stop(known(self.chat.stop), states.who, None, **AT_ONCE)
        # What the next run is given as history is what the page shows at that moment, whatever a
        # step of a cancelled run may still have stored.
        self.textbox.submit(lambda page: page, self.chatbot, self.chatbot_state, **AT_ONCE)
        self.chatbot.example_select(list, None, self.chatbot_state, **AT_ONCE)
        # A page takes its steps in this order, and the history must be there before the run.
        chatbot = self.chatbot
        asked = [self.textbox.submit, chatbot.retry, chatbot.edit, chatbot.example_select]
        gr.on(asked, known(self.chat.expect), states.who, None, **AT_ONCE)
        # First the run is cancelled, then its page cleared: the other way round it would repaint.
        cancelled = self.chatbot.clear(nothing, None, None, cancels=runs + repaints, **AT_ONCE)
        cancelled.then(known(clear), states.who, emptied, **AT_ONCE)
        self.chatbot.edit(None, None, None, cancels=runs)
        self.chatbot.undo(known(self.chat.take_back), states.who, None, **AT_ONCE)
        for run in runs:
            # Not yet interactive: Gradio's next step empties the box, and would take typed words.
            run.then(lambda: idle(), None, self.textbox, **AT_ONCE)
            # A cancelled run fails too, but then goes on with Gradio's next steps: let them pass.
            passed = run.failure(nothing, None, None, **QUEUED).then(nothing, None, None, **QUEUED)
            passed.then(lambda: idle(interactive=True), None, self.textbox, **AT_ONCE)
        self._bring_back()

    def _bring_back(self) -> None:
        """A sentence, and the text box again, where a step was refused that sends what is typed or
        all that is shown: by itself Gradio says nothing, and does not go on."""
        sent = (self.textbox, self.chatbot)
        for step in self._steps(lambda step: bool(step.inputs) and step.inputs[0] in sent):
            step.failure(refused, None, self.textbox, **QUEUED)

    def _steps(self, is_wanted: Callable[[Any], bool]) -> list[Any]:
        """Steps that Gradio has set up, for others to follow or cancel them."""
        return [
            Dependency(None, cast(Any, step).get_config(), step._id, step.fn)
            for step in list(self.fns.values())
            if is_wanted(step)
        ]

    def _wire_arrival(self) -> None:
        """A page that is opened, or has fallen behind, is shown what there is."""
        states, box = self.states, self.textbox
        arrived = self.load(
            self.chat.arrive,
            [states.visitor, states.place],
            [*states.who, states.news, box],
            js=WHERE,
            **QUEUED,
        )
        states.place.change(None, states.place, None, js=PLACE, **AT_ONCE)
        arrived.failure(lambda: idle(interactive=True), None, self.textbox, **AT_ONCE)
        # A run that finds the page behind goes on with Gradio's steps, which show its page again.
        passed = states.news.change(nothing, None, None, **QUEUED).then(
            nothing, None, None, **QUEUED
        )
        caught_up = passed.then(self.chat.catch_up, states.view, [self.chatbot, box], **QUEUED)
        shown = caught_up.then(lambda page: page, self.chatbot, self.chatbot_state, **AT_ONCE)
        shown.then(lambda: idle(interactive=True), None, self.textbox, **AT_ONCE)


def refused() -> gr.Textbox:
    """Tell the visitor that the page could not send what it had to."""
    gr.Warning(TOO_LONG)
    return idle(interactive=True)


def address(request: gr.Request) -> str:
    """From where a message comes."""
    return address_of(cast(Any, request.request))


def count_turns(history: list[Message]) -> int:
    """How many turns are on the page: all that is believed of what the browser says."""
    return sum(message["role"] == "user" for message in history)


def to_text(transcript: Transcript) -> str:
    """The answer for a program: the text alone, and the app's own sentences in brackets."""
    said = [clean(answer(transcript)), *(f"({notice})" for notice in notices(transcript))]
    return "\n\n".join(filter(None, said))


def describe(loaded: Loaded, settings: Settings) -> str:
    """What stands below the title."""
    offline = "Answered by the **built-in offline model**, which is not an AI. " + HOW_TO_ADD_A_KEY
    until = time_told(settings.session_idle)
    where = "in this server's memory, until it restarts or" if loaded.forgets else "on this server"
    kept = f"*Chats are kept {where} for {until} after their last message.*"
    paused = PAUSED if settings.demo_paused and loaded.costs else ""
    lines = loaded.description, offline if loaded.is_offline else "", paused, kept
    return "\n\n".join(filter(None, lines))


CLOSED = re.compile(
    r"/+gradio_api/+openapi"
    r"|/+(gradio_api/+)*(deep_link|file=|proxy=|upload|component_server|stream/|run-history|runs"
    r"|vibe|undo-vibe|monitoring|profiling|dev/|process_recording|login|logout|token|user)"
)
"""Gradio's paths that this page does not need. A deep link writes a visitor's whole page to disk
for whoever knows the session's hash; `file=` fetches for anybody, and names folders of this
machine; uploads fill the disk."""

PICTURES = re.compile(r"/+(files/|assets/|static/|favicon|pwa_icon|theme\.css)")
"""Gradio's paths that a page may embed."""

MAX_BODY = 4_000_000
"""Bytes of a request; the page sends all that it shows with each message."""


def is_foreign(thing: dict[str, Any]) -> bool:
    """Whether a browser sends what this page never shows: a component, which Gradio would build
    with any arguments (gradio/components/chatbot.py), or a file, which it would fetch."""
    return bool(thing.keys() & {"constructor_args", "path"})


def serve(demo: gr.ChatInterface, loaded: Loaded, directory: Directory, **options: Any) -> Any:
    """Launch the page, and the other doors beside it; `options` are `Blocks.launch`'s own."""
    return demo.launch(
        quiet=True,
        js=FOLLOW,
        css=CONTAINED,
        max_threads=directory.settings.page_threads,
        state_session_capacity=directory.settings.max_conversations or 10_000,
        run_history=False,
        footer_links=[],
        enable_monitoring=False,
        # The doors tell of themselves at /openapi.json; Gradio's own routes stay untold.
        app_kwargs={
            "openapi_url": None,
            "routes": doors(loaded, directory).routes,
            "middleware": [
                Middleware(Shield, closed=CLOSED, pictures=PICTURES),
                Middleware(Sieve, path="/gradio_api/", is_unwanted=is_foreign),
            ],
            "max_body_size": MAX_BODY,
            "exception_handlers": {RequestValidationError: unread},
            "lifespan": upkeep(demo, directory.settings),
        },
        **options,
    )


def read(folder: Path) -> tuple[Loaded, Directory]:
    """The agent in `folder`, and its conversations; a host's mistake ends the program with a
    sentence."""
    try:
        loaded = load(folder, merges=True)
        return loaded, Directory(loaded, read_settings(os.environ))
    except (NoAgent, ValueError) as error:
        sys.exit(str(error))


def wait_for_end(directory: Directory) -> None:
    """Serve until Ctrl-C or SIGTERM; then stop what runs, so that what was said is stored."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        warm_up()
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        directory.close_from_outside()
    os._exit(0)  # Python itself would wait for tools that are at work.


chosen = sys.argv[1:2] if __name__ == "__main__" else []
loaded, directory = read(Path(*chosen) if chosen else OURS)
has_mcp = find_spec("mcp") is not None
demo = page(loaded, directory, has_mcp)

if __name__ == "__main__":
    # Nobody may say where a request comes from, but a proxy that uvicorn is told to trust.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    _, url, _ = serve(demo, loaded, directory, mcp_server=has_mcp, prevent_thread_lock=True)
    print(f"Running on {url} (stop with Ctrl-C)", flush=True)  # noqa: T201
    wait_for_end(directory)
