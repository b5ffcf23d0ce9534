"""A streaming chat page for an ADK agent.

Run it:  python app.py [path/to/agent]     and open http://127.0.0.1:7860
"""

# ruff: noqa: E402
import gc

gc.disable()  # To look for garbage while everything is imported takes a sixth of the start.

import logging
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, cast

import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.events import Dependency
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from agent.addresses import address_of
from agent.conversation import GONE_ON
from agent.directory import Directory
from agent.doors import doors
from agent.doors.refusals import unread
from agent.limits import PAUSED
from agent.loading import OURS, Loaded, NoAgent, load
from agent.messages import to_messages, to_page
from agent.offline import HOW_TO_ADD_A_KEY
from agent.page.asking import answered, edit, heard, pick, taken
from agent.page.parts import (
    AT_ONCE,
    BUSY,
    IDLE,
    PLACEHOLDER,
    QUEUED,
    aloud,
    clear,
    news_if,
    nothing,
)
from agent.page.scripts import (
    ASK,
    EDIT,
    END,
    FOLLOW,
    GIVE_BACK,
    LOCK,
    LOOKS,
    PLACE,
    PUT,
    REST,
    RETRY,
    SHOW,
    TAKE_BACK,
    UNSENT,
    WAKE,
    WHERE,
)
from agent.page.side_bar import SideBar
from agent.page.states import KEY, States, whereabouts
from agent.settings import Settings, misspelt, read_settings
from agent.shield import Shield
from agent.sieve import Sieve
from agent.transcript import Transcript, answer, clean, notices
from agent.upkeep import upkeep
from agent.view import View, follow, reopen
from agent.warmth import open_clients_soon, warm_up
from agent.wording import time_told

gc.enable()

log = logging.getLogger(__name__)


class Chat:
    """A generator function that yields the accumulated text of ADK's SSE events, with one ADK
    session per Gradio State; and what else a visitor can do on the page."""

    def __init__(self, loaded: Loaded, directory: Directory) -> None:
        self._host, self._directory = loaded.runner.agent.name, directory
        self.settings = directory.settings
        self.states = States(directory, loaded.runner.app_name)

    async def respond(
        self,
        asked: Any,
        view: View | None,
        visitor: object,
        place: object,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Answer the message that has just been put on the page: what comes of it, and when it is
        over its number."""
        view = kept = await self.states.find(view, visitor, place)
        message, number, count = heard(asked)
        turn = view.ask(message, count, address(request), number)
        over, told = False, ""
        async for transcript in view.follow(turn, partial(taken, request)):
            over, before = turn.over, told
            messages = to_messages(transcript, turn.waiting, self._host)
            where = whereabouts(view) if turn.past.invocation_id else None
            told = answered(messages, number=number, where=where)
            if not over or told != before:  # At a yield alone Gradio sees a closed tab.
                yield told, None, kept, gr.skip()
                kept = gr.skip()  # Gradio works for each State that it is given.
        if over:
            # The words are not sent again: Gradio tells the last value whole.
            yield gr.skip(), number, kept, news_if(view.unsent or view.is_long)

    async def arrive(self, visitor: object, place: object) -> tuple[Any, ...]:
        """A page is opened: whose it is, and whether there is something to show on it."""
        view = await reopen(self._directory, str(visitor), str(place))
        if self._directory.store_fails:
            gr.Warning(NOT_LISTED)
        box = gr.skip() if view.session_id else IDLE
        return view, view.user_id, view.session_id or "", news_if(view.session_id), box

    async def catch_up(self, view: View, request: gr.Request) -> AsyncIterator[tuple[Any, Any]]:
        """Show the conversation, and the answer that is on its way."""
        async for turns, is_running in view.catch_up(partial(taken, request)):
            page = to_page(turns, self._host, view.hidden)
            yield page, BUSY if is_running else IDLE
        if view.unsent:
            gr.Info(GONE_ON)
            yield gr.skip(), IDLE | {"value": view.unsent}
            view.unsent = ""

    async def leave(self, view: View) -> None:
        """One of the messages is asked anew: what is said to the last one counts no more."""
        view.leave()

    async def stop(self, view: View, asked: Any) -> None:
        """End the answer to that message; what was said stays, and is remembered."""
        await view.stop(heard(asked)[1])

    async def undo(self, view: View) -> str:
        """Forget the last message, which the page takes back into the text box."""
        with aloud():
            await view.take_back()
        return view.session_id or ""

    async def chat(
        self, message: str, view: View | None, request: gr.Request
    ) -> AsyncIterator[tuple[str, View]]:
        """Ask the agent; its answer so far, again and again until it is whole."""
        view = view or View(self._directory)
        turn = view.ask(message, len(view.shown), address(request))
        async for transcript in view.follow(turn, partial(taken, request)):
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
    return ChatPage(Chat(loaded, directory), loaded, for_mcp)


NOT_LISTED = "Earlier chats cannot be reached at the moment. They are not lost."


class ChatPage(gr.ChatInterface):
    """A ChatInterface around `Chat.respond`; what it shows and what is remembered agree."""

    def __init__(self, chat: Chat, loaded: Loaded, for_mcp: bool = False) -> None:
        self.chat, self.states, self._agent, self._for_mcp = chat, chat.states, loaded, for_mcp
        super().__init__(
            chat.respond,
            chatbot=gr.Chatbot(
                height=160,  # At least; it takes what room there is, on a phone not much.
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
                submit_btn="Send",
                stop_btn="Stop",
            ),
            title=loaded.title,
            description=describe(loaded, chat.settings),
            examples=[[example] for example in loaded.examples] or None,
            cache_examples=False,
            analytics_enabled=False,
        )
        # ChatInterface keeps one in any case, and a page would complain of it after a restart.
        self.saved_conversations.secret = KEY

    def _setup_events(self) -> None:
        """What happens when, in place of ChatInterface's own: by that, each message is sent three
        times, one after the other, before the model is asked, with all that is on the page."""
        states, shown = self.states, [self.chatbot, self.textbox]
        states.render()
        caught_up = self._wire_arrival()
        run = self._wire_run()
        self._wire_questions()
        emptied = [states.view, states.place, *shown]
        self._wire_ends([run, caught_up], emptied)
        SideBar(states, [states.view, states.place, states.news, *shown], emptied)
        self._wire_programs()

    def _wire_arrival(self) -> Dependency:
        """A page that is opened, or has fallen behind, is shown what there is."""
        states, box = self.states, self.textbox
        arrived = self.load(
            self.chat.arrive,
            [states.visitor, states.place],
            [*states.who, states.news, box],
            js=WHERE,
            show_progress_on=states.asked,
            **QUEUED,
        )
        arrived.then(None, box, box, js=UNSENT, **AT_ONCE)
        states.place.change(None, states.place, None, js=PLACE, **AT_ONCE)
        shown = [self.chatbot, box]
        caught_up = states.news.change(
            self.chat.catch_up,
            states.view,
            shown,
            show_progress_on=states.asked,  # Else each update tells these two of it, too.
            **QUEUED,
        )
        for step in (arrived, caught_up):
            step.failure(None, None, box, js=REST, **AT_ONCE)
        return caught_up

    def _wire_run(self) -> Dependency:
        """Whatever is asked is answered; and what could not be sent is given back."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        run = states.asked.change(
            self.chat.respond,
            [states.asked, *states.who],
            [states.answer, states.over, states.view, states.news],
            trigger_mode="multiple",
            show_progress_on=states.asked,  # Else Gradio covers the chat when it fails.
            preprocess=False,
            postprocess=False,  # It takes a thread each time.
            **QUEUED,
        )
        states.over.change(None, js=WAKE, **AT_ONCE)
        gr.on(
            [states.answer.change, states.late.tick, states.over.change],
            None,
            [states.answer, states.asked, chatbot],
            [chatbot, states.visitor, states.place, states.late],
            js=SHOW,
            trigger_mode="multiple",
            **AT_ONCE,
        )
        states.over.change(None, [states.over, states.asked], box, js=END, **AT_ONCE)
        run.failure(None, [states.asked, chatbot], [chatbot, box], js=GIVE_BACK, **AT_ONCE)
        return run

    def _wire_questions(self) -> None:
        """All the ways in which something is asked."""
        chatbot, box, states = self.chatbot, self.textbox, self.states
        chatbot.edit(states.known(self.chat.leave), states.who, None, **AT_ONCE)
        sent = [states.asked, box]
        edited = chatbot.edit(edit, None, states.edited, **AT_ONCE)
        for step in (
            box.submit(None, [box, chatbot, states.asked], sent, js=ASK, **AT_ONCE),
            chatbot.retry(None, [chatbot, states.asked], sent, js=RETRY, **AT_ONCE),
            chatbot.example_select(pick, None, sent, **AT_ONCE),
            edited.success(None, [states.edited, chatbot], sent, js=EDIT, **AT_ONCE),
        ):
            step.then(None, [states.asked, chatbot], chatbot, js=PUT, **AT_ONCE)

    def _wire_ends(self, runs: list[Any], emptied: list[Any]) -> None:
        """Stop, Undo and Clear, which changes what is `emptied`."""
        states, chatbot, box = self.states, self.chatbot, self.textbox
        box.stop(states.known(self.chat.stop), [*states.who, states.asked], None, **AT_ONCE)
        undone = chatbot.undo(states.known(self.chat.undo), states.who, states.place, **AT_ONCE)
        undone.success(None, chatbot, [chatbot, box], js=TAKE_BACK, **AT_ONCE)
        # First the run is cancelled, then its page cleared: the other way round it would repaint.
        cancelled = chatbot.clear(None, None, box, js=LOCK, cancels=runs, **AT_ONCE)
        passed = cancelled.then(nothing, None, None, **AT_ONCE)
        cleared = passed.then(states.known(clear), states.who, emptied, **AT_ONCE)
        for step in (passed, cleared):
            step.failure(None, None, box, js=REST, **AT_ONCE)

    def _wire_programs(self) -> None:
        """`/chat` for Gradio's clients, and a tool for MCP clients."""
        text, reply = (gr.Textbox(visible=False, label=name) for name in ("message", "answer"))
        gr.Button(visible=False).click(
            self.chat.chat,
            [text, self.states.view],
            [reply, self.states.view],
            api_name="chat",
            # Gradio 6.31 fails where an MCP tool has a State among its outputs (gradio/mcp.py).
            api_visibility="undocumented" if self._for_mcp else "public",
            concurrency_limit=None,
        )
        if self._for_mcp:
            told = self._agent.description
            gr.api(self.chat.ask, api_description=told, concurrency_limit=None)


def address(request: gr.Request) -> str:
    """From where a message comes."""
    return address_of(cast(Any, request.request))


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
    return "\n\n".join(filter(None, ("<div class=about>", *lines, "</div>")))


CLOSED = re.compile(
    r"/+gradio_api/+openapi"
    r"|/+(gradio_api/+)*(deep_link|file=|proxy=|upload|component_server|stream/|run-history|runs"
    r"|vibe|undo-vibe|monitoring|profiling|dev/|process_recording|login|logout|token|user)"
)
"""Gradio's paths that this page does not need. A deep link writes a visitor's whole page to disk
for whoever knows the session's hash; `file=` fetches for anybody, and names folders of this
machine; uploads fill the disk."""

PICTURES = re.compile(r"/+(files/|assets/|static/|favicon|pwa_icon|theme\.css)")
"""Paths that a page may embed: the agent's pictures, and what Gradio's page is made of."""

MAX_BODY = 4_000_000
"""Bytes of a request: more than anybody types."""


def is_foreign(thing: dict[str, Any]) -> bool:
    """Whether a browser sends what this page never shows: a component, which Gradio would build
    with any arguments (gradio/components/chatbot.py), or a file, which it would fetch."""
    return bool(thing.keys() & {"constructor_args", "path"})


FONT = ["system-ui", "sans-serif"]
"""The visitor's own: what Gradio 6.31 serves for bold text lacks most letters."""


def serve(demo: gr.ChatInterface, loaded: Loaded, directory: Directory, **options: Any) -> Any:
    """Launch the page, and the other doors beside it; `options` are `Blocks.launch`'s own."""
    return demo.launch(
        quiet=True,
        js=FOLLOW,
        css=LOOKS,
        theme=gr.themes.Default(font=FONT, font_mono=["ui-monospace", "monospace"]),
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
                Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY),
                Middleware(Sieve, path="/gradio_api/", is_unwanted=is_foreign),
            ],
            "exception_handlers": {RequestValidationError: unread},
            "lifespan": lifespan(demo, loaded, directory.settings),
        },
        **options,
    )


def lifespan(demo: gr.Blocks, loaded: Loaded, settings: Settings) -> Any:
    """What goes on while the page is served."""

    @asynccontextmanager
    async def living(app: object) -> AsyncIterator[None]:
        open_clients_soon(loaded)
        async with upkeep(demo, settings)(app):
            yield

    return living


def read(folder: Path) -> tuple[Loaded, Directory]:
    """The agent in `folder`, and its conversations; a host's mistake ends the program with a
    sentence."""
    try:
        loaded = load(folder, merges=True)
        for sentence in misspelt(os.environ):
            log.warning(sentence)
        return loaded, Directory(loaded, read_settings(os.environ))
    except (NoAgent, ValueError) as error:
        sys.exit(str(error))


def announce(url: str, port: int) -> None:
    """Tell the host where the page is."""
    wanted = os.environ.get("GRADIO_SERVER_PORT", "7860")
    if str(port) != wanted:
        log.warning("Port %s is in use, perhaps by another run of this app.", wanted)
    print(f"Running on {url} (stop with Ctrl-C)", flush=True)  # noqa: T201


def wait_for_end(directory: Directory) -> None:
    """Serve until Ctrl-C or SIGTERM; then stop what runs, so that what was said is stored."""
    told: list[int] = []
    try:
        # An exception out of nowhere may be lost in the warm-up, as in a finalizer.
        _on_end(lambda sign, _: told.append(sign))
        warm_up()
        _on_end(signal.default_int_handler)
        while not told:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
    directory.close_from_outside()
    os._exit(0)  # Python itself would wait for tools that are at work.


def _on_end(act: Callable[[int, FrameType | None], None]) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, act)


chosen = sys.argv[1:2] if __name__ == "__main__" else []
loaded, directory = read(Path(*chosen) if chosen else OURS)
has_mcp = find_spec("mcp") is not None
demo = page(loaded, directory, has_mcp)

if __name__ == "__main__":
    # Nobody may say where a request comes from, but a proxy that uvicorn is told to trust.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    _, url, _ = serve(demo, loaded, directory, mcp_server=has_mcp, prevent_thread_lock=True)
    announce(url, demo.server_port)
    wait_for_end(directory)
