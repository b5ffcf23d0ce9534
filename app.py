"""A streaming chat page for an ADK agent.

Run it:  python app.py [path/to/agent]     and open http://127.0.0.1:7860
"""

import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
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
from agent.failures import PlainError
from agent.loading import OURS, Loaded, NoAgent, load
from agent.messages import Message, to_messages, to_page
from agent.offline import HOW_TO_ADD_A_KEY
from agent.recall import title
from agent.settings import Settings, read_settings
from agent.shield import Shield
from agent.sieve import Sieve
from agent.spare_store import StoreFails
from agent.transcript import Transcript, answer, clean, notices
from agent.upkeep import picture_life, upkeep
from agent.view import View, follow, reopen
from agent.wording import time_told


class Chat:
    """A generator function that yields the accumulated text of ADK's SSE events, with one ADK
    session per Gradio State; and what else a visitor can do on the page."""

    def __init__(self, loaded: Loaded, directory: Directory) -> None:
        self._host, self._directory = loaded.runner.agent.name, directory
        self.settings = directory.settings

    async def respond(
        self,
        message: str,
        history: list[Message],
        view: View | None,
        request: gr.Request,
    ) -> AsyncIterator[tuple[list[Message], View, Any, Any]]:
        """Answer on the page."""
        view = view or View(self._directory)
        turn = view.ask(message, count_turns(history), address(request))
        async for transcript in view.follow(turn):
            waiting = None if turn.over else turn.elapsed
            messages = to_messages(transcript, waiting, self._host)
            place = view.session_id if turn.past.invocation_id else gr.skip()
            news = news_if(view.unsent or (turn.over and view.is_long))
            yield messages, view, news, place

    async def arrive(self, user_id: object) -> tuple[str, View, Any, Any]:
        """A page is opened: whose it is, and whether there is something to show on it."""
        view = await reopen(self._directory, str(user_id))
        if self._directory.store_fails:
            gr.Warning(NOT_LISTED)
        box = gr.skip() if view.session_id else idle(interactive=True)
        return view.user_id, view, news_if(view.session_id), box

    async def catch_up(self, view: View) -> AsyncIterator[tuple[Any, Any]]:
        """Show the conversation, and the answer that is on its way."""
        async for told, is_running in view.catch_up():
            page = to_page(told, self._host, view.hidden)
            yield page, busy() if is_running else gr.skip()
        if view.unsent:
            gr.Info(GONE_ON)
            yield gr.skip(), gr.Textbox(view.unsent)
            view.unsent = ""

    async def stop(self, view: View | None) -> None:
        """End the running answer; what was said stays, and is remembered."""
        if view:
            await view.stop()

    async def clear(self, view: View | None) -> tuple[Any, ...]:
        """Forget the conversation: the session, the text box, and all that is shown."""
        view = view or View(self._directory)
        with aloud():
            await view.forget()
        return view, idle(), [], [], []

    async def take_back(self, view: View | None) -> None:
        """Forget the last message on the page."""
        if view:
            with aloud():
                await view.take_back()

    async def list_chats(self, view: View | None, search: str) -> gr.Radio:
        """The visitor's conversations with these words in their names, the newest first."""
        if view is None:
            gr.Warning(RESTARTED)
            return gr.Radio([])
        chats = [(title(chat), chat.id) for chat in await view.chats()]
        found = [chat for chat in chats if (search or "").lower() in chat[0].lower()]
        here = view.session_id if view.session_id in dict(found).values() else None
        return gr.Radio(found, value=here)

    async def open_chat(self, view: View, session_id: str | None) -> tuple[list[Message], Any, Any]:
        """Turn the page to another conversation; one can type when it has caught up with that."""
        view.turn_to(session_id)
        return [], news_if(True), gr.Textbox(interactive=False)

    async def new_chat(self, view: View) -> tuple[list[Message], Any, Any]:
        """Turn the page to a new conversation."""
        return await self.open_chat(view, None)

    async def rename_chat(self, view: View, title: str) -> str:
        """Call the conversation on the page something else."""
        with aloud():
            await view.rename(title)
        return ""

    async def take_away(self, view: View, kind: str) -> dict[str, str] | None:
        """The conversation as a file, for the browser to save."""
        if kept := await view.keepsake(kind):
            return dict(zip(("name", "text"), kept, strict=True))
        gr.Info(NOTHING_SAID)
        return None

    async def share(self, view: View, here: str) -> tuple[gr.Textbox, gr.Button]:
        """Let others read the conversation as it is now."""
        await view.share()
        shown = await self.show_link(view, here)
        if not await view.token():
            gr.Info(NOTHING_SAID)
        return shown

    async def stop_sharing(self, view: View, here: str) -> tuple[gr.Textbox, gr.Button]:
        """Let nobody else read it any more."""
        await view.stop_sharing()
        return await self.show_link(view, here)

    async def show_link(self, view: View | None, here: str) -> tuple[gr.Textbox, gr.Button]:
        """The link to the conversation, if it is shared."""
        token = None
        with suppress(StoreFails):
            token = await view.token() if view else None
        link = f"{here}shared/{token}" if token else ""
        return gr.Textbox(link, visible=bool(token)), gr.Button(visible=bool(token))

    async def forget_me(self, view: View) -> tuple[Any, ...]:
        """Delete all that the visitor has ever said, and be nobody known."""
        with aloud():
            await self._directory.forget_visitor(view.user_id)
        view.user_id = self._directory.meet()
        return view.user_id, *await self.clear(view)

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
            [text, demo.view],
            [reply, demo.view],
            api_name="chat",
            # Gradio 6.31 fails where an MCP tool has a State among its outputs (gradio/mcp.py).
            api_visibility="undocumented" if for_mcp else "public",
            concurrency_limit=None,
        )
        if for_mcp:
            gr.api(chat.ask, api_description=loaded.description, concurrency_limit=None)
    return demo


AT_ONCE: dict[str, Any] = {"api_visibility": "private", "queue": False}
"""For steps that take no time."""

QUEUED: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_limit": None,
    "show_progress": "hidden",
}
"""For steps that others wait for: a State's change is heard of in the queue alone."""

PLACEHOLDER = "Type a message..."

KEY = "no secret, but the same after a restart"
"""By which a page reads what it keeps in the browser; Gradio tells it to whoever asks."""


TOO_LONG = (
    "This message, or the conversation before it, is too long to be sent. "
    "Shorten it, or press Clear."
)


NOTHING_SAID = "There is nothing in this chat yet."

KINDS = {
    "Save as Markdown": "md",
    "Save as a web page": "html",
    "Save for ADK (JSON)": "json",
}
"""What a conversation can be taken away as, and how those files end."""

LINK = (
    "Anybody who has this link can read the chat as it was when you shared it last, with the "
    "agent's thoughts and tools"
)

HERE = """() => location.href.split(/[?#]/)[0].replace(/[/]?$/, "/")"""
"""Where the browser has found this page, whatever proxies there are."""

SAVE = """file => {
    if (file === null) return null
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([file.text]))
    link.download = file.name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60000)
    return null
}"""
"""Has the browser save what it has been sent: so the server keeps no file, and needs no address
for one that others could find."""

RESTARTED = "The app has been restarted. Please reload this page."

NOT_LISTED = "Earlier chats cannot be reached at the moment. They are not lost."


class ChatPage(gr.ChatInterface):
    """A ChatInterface around `Chat.respond`; what it shows and what is remembered agree."""

    def __init__(self, chat: Chat, loaded: Loaded) -> None:
        self.chat = chat
        self.view, self.news, self.place = gr.State(None), gr.State(0.0), gr.State(None)
        self.visitor = gr.BrowserState(
            "", storage_key=f"chat with {loaded.runner.app_name}", secret=KEY
        )
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
                placeholder=PLACEHOLDER,
                scale=7,
                autofocus=True,
                interactive=False,  # Until it is known what there is to show.
                submit_btn=True,
                stop_btn=True,
            ),
            additional_inputs=[self.view],
            additional_outputs=[self.view, self.news, self.place],
            # Gradio puts even a State into an "Additional inputs" panel.
            additional_inputs_accordion=gr.Accordion(visible=False, render=False),
            title=loaded.title,
            description=describe(loaded, chat.settings),
            examples=[[example] for example in loaded.examples] or None,
            cache_examples=False,
            delete_cache=picture_life(chat.settings),
            editable=True,
            flagging_mode="never",
            analytics_enabled=False,
            show_progress="hidden",
            concurrency_limit=None,
            api_visibility="private",
        )
        # ChatInterface keeps one in any case, and a page would complain of it after a restart.
        self.saved_conversations.secret = KEY
        self._shown = [self.chatbot, self.chatbot_state, self.chatbot_value]
        with self:
            for component in (self.news, self.place, self.visitor):
                cast(Any, component).render()
            self._wire_arrival()
            self._wire_runs()
            self._add_chats()

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

    def _wire_runs(self) -> None:
        """Stop and Clear for every kind of run, and a text box that comes back after each.

        By itself Gradio 6.31 leaves the text box locked when a run fails, and lets an answer run
        on over a cleared page.
        """
        runs = self._steps(lambda step: step.name in ("_submit_fn", "catch_up"))
        repaints = self._steps(lambda step: (self.chatbot_value._id, "change") in step.targets)
        self.textbox.stop(self.chat.stop, self.view, None, **AT_ONCE)
        # What the next run is given as history is what the page shows at that moment, whatever a
        # step of a cancelled run may still have stored.
        self.textbox.submit(lambda page: page, self.chatbot, self.chatbot_state, **AT_ONCE)
        self.chatbot.example_select(list, None, self.chatbot_state, **AT_ONCE)
        # First the run is cancelled, then its page cleared: the other way round it would repaint.
        cancelled = self.chatbot.clear(nothing, None, None, cancels=runs + repaints, **AT_ONCE)
        self.cleared = cancelled.then(self.chat.clear, self.view, self._everything, **AT_ONCE)
        self.chatbot.edit(None, None, None, cancels=runs)
        self.chatbot.undo(self.chat.take_back, self.view, None, **AT_ONCE)
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
        arrived = self.load(
            self.chat.arrive,
            self.visitor,
            [self.visitor, self.view, self.news, self.textbox],
            **QUEUED,
        )
        arrived.failure(lambda: idle(interactive=True), None, self.textbox, **AT_ONCE)
        # A run that finds the page behind goes on with Gradio's steps, which show its page again.
        passed = self.news.change(nothing, None, None, **QUEUED).then(nothing, None, None, **QUEUED)
        caught_up = passed.then(
            self.chat.catch_up, self.view, [self.chatbot, self.textbox], **QUEUED
        )
        shown = caught_up.then(lambda page: page, self.chatbot, self.chatbot_state, **AT_ONCE)
        shown.then(lambda: idle(interactive=True), None, self.textbox, **AT_ONCE)

    def _add_chats(self) -> None:
        """The side bar with the visitor's conversations, which is empty while it is folded."""
        with gr.Sidebar(open=False) as bar, gr.Column(visible=False) as column:
            new = gr.Button("New chat")
            search = gr.Textbox(placeholder="Search your chats", show_label=False, container=False)
            chats = gr.Radio([], show_label=False, container=False, elem_id="chats")
            name = gr.Textbox(
                placeholder="A new name for this chat", submit_btn="Rename", show_label=False
            )
            shared = self._add_keepsakes(bar)
            delete, forget = (
                gr.Button(label, size="sm") for label in ("Delete this chat", "Forget me")
            )
            really = gr.Button(
                "Really delete all my chats", size="sm", variant="stop", visible=False
            )
        chat, turned = self.chat, [self.chatbot, self.news, self.textbox]
        listing: dict[str, Any] = {"inputs": [self.view, search], "outputs": chats, **AT_ONCE}
        bar.expand(lambda: gr.Column(visible=True), None, column, **AT_ONCE)
        bar.collapse(lambda: gr.Column(visible=False), None, column, **AT_ONCE)
        gr.on([bar.expand, search.change, self.place.change], chat.list_chats, **listing)
        for change in (
            self.cleared,
            new.click(chat.new_chat, self.view, turned, js=FOLD, **QUEUED),
            name.submit(chat.rename_chat, [self.view, name], name, **QUEUED),
            delete.click(chat.clear, self.view, self._everything, **QUEUED),
            really.click(chat.forget_me, self.view, [self.visitor, *self._everything], **QUEUED),
        ):
            change.then(chat.list_chats, **listing)
        chats.input(chat.open_chat, [self.view, chats], turned, js=FOLD, **QUEUED)
        deleted = [self.chatbot.clear, delete.click, really.click]
        gr.on(deleted, lambda: [gr.update(visible=False)] * 2, None, shared, **AT_ONCE)
        forget.click(lambda: gr.Button(visible=True), None, really, **AT_ONCE)
        really.click(lambda: gr.Button(visible=False), None, really, **AT_ONCE)

    def _add_keepsakes(self, bar: gr.Sidebar) -> list[Any]:
        """What one takes away of the open conversation, and how one shares it; what is there only
        while it is shared."""
        file, here = gr.JSON(visible=False), gr.Textbox(visible=False)
        for label, kind in KINDS.items():
            taken = gr.Button(label, size="sm").click(
                partial(self.chat.take_away, kind=kind), self.view, file, **QUEUED
            )
            taken.then(None, file, file, js=SAVE, **AT_ONCE)
        share = gr.Button("Share this chat as it is now", size="sm")
        link = gr.Textbox(
            label=LINK, elem_id="link", interactive=False, buttons=["copy"], visible=False
        )
        withdraw = gr.Button("Stop sharing", size="sm", visible=False)
        shown: list[Any] = [link, withdraw]
        inputs: list[Any] = [self.view, here]
        self.load(None, None, here, js=HERE, **AT_ONCE)
        share.click(self.chat.share, inputs, shown, **QUEUED)
        withdraw.click(self.chat.stop_sharing, inputs, shown, **AT_ONCE)
        gr.on([bar.expand, self.news.change], self.chat.show_link, inputs, shown, **QUEUED)
        return shown

    @property
    def _everything(self) -> list[Any]:
        """What is changed when a conversation is deleted."""
        return [self.view, self.textbox, *self._shown]


@contextmanager
def aloud() -> Iterator[None]:
    """Tell the visitor why something cannot be done."""
    try:
        yield
    except PlainError as error:
        raise gr.Error(str(error), print_exception=False) from error


def nothing() -> None:
    """A step of an event chain that only takes its time."""


def refused() -> gr.Textbox:
    """Tell the visitor that the page could not send what it had to."""
    gr.Warning(TOO_LONG)
    return idle(interactive=True)


def idle(**more: Any) -> gr.Textbox:
    """The text box with its Send button in place of Stop."""
    return gr.Textbox(submit_btn=True, stop_btn=False, placeholder=PLACEHOLDER, **more)


def busy() -> gr.Textbox:
    """The text box while an answer is running."""
    return gr.Textbox(submit_btn=False, stop_btn=True, interactive=False)


def news_if(there_is: object) -> Any:
    """What makes a page catch up."""
    return time.time() if there_is else gr.skip()


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
    return "\n\n".join([loaded.description, *[offline] * loaded.is_offline, kept])


FOLD = """(...given) => {
    if (innerWidth < 768) document.querySelector(".sidebar.open .toggle-button")?.click();
    return given;
}"""
"""On a phone the side bar covers the chat that has just been opened."""

FOLLOW = """() => {
    const follow = log => {
        let atEnd = true, asked = 0;
        log.addEventListener("scroll", () => {
            atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        });
        new MutationObserver(() => {
            const questions = log.querySelectorAll("[data-testid=user]").length;
            atEnd = atEnd || questions > asked;
            asked = questions;
            if (atEnd) log.scrollTop = log.scrollHeight;
        }).observe(log, {subtree: true, childList: true, characterData: true});
    };
    const log = document.querySelector("[role=log]");
    if (log) follow(log);
    document.addEventListener("click", event => {
        const link = event.target.closest("[role=log] :is(a, area)");
        link?.setAttribute("target", "_blank");
        link?.setAttribute("rel", "noopener noreferrer");
    }, true);
}"""
"""Keeps the newest words in view, and leaves a reader who has scrolled up where they are. Gradio's
own autoscroll pulls everybody down 300 ms after each yield, and so never lets go of a stream.

And has every link open in a tab of its own: by itself Gradio sees to that in text, but not in
drawings (SVG, mermaid) and maps, whose links would take the conversation away."""


CLOSED = re.compile(
    r"/+gradio_api/+openapi"
    r"|/+(gradio_api/+)*(deep_link|file=\w+:|proxy=|upload|component_server|stream/|run-history|runs"
    r"|vibe|undo-vibe|monitoring|profiling|dev/|process_recording|login|logout|token|user)"
)
"""Gradio's paths that this page does not need. A deep link writes a visitor's whole page to disk
for whoever knows the session's hash; `file=https:` fetches for anybody; uploads fill the disk."""

PICTURES = re.compile(r"/+(gradio_api/+file=|assets/|static/|favicon|pwa_icon|theme\.css)")
"""Gradio's paths that a page may embed."""

CONTAINED = """
.message-content { contain: layout paint }
.message-content :is(form, [popover], select, textarea, input:not([type=checkbox][disabled])) {
    display: none !important
}"""
"""A model's text stays in its place: nothing of it covers the page, or asks for a password."""

MAX_BODY = 4_000_000
"""Bytes of a request; the page sends all that it shows with each message."""


def is_foreign(thing: dict[str, Any]) -> bool:
    """Whether a browser sends what this page never shows: a component, which Gradio would build
    with any arguments (gradio/components/chatbot.py), or a file elsewhere, which it would fetch."""
    path = thing.get("path")
    is_elsewhere = isinstance(path, str) and path.startswith(("http://", "https://"))
    return "constructor_args" in thing or is_elsewhere


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
        loaded = load(folder)
        return loaded, Directory(loaded, read_settings(os.environ))
    except (NoAgent, ValueError) as error:
        sys.exit(str(error))


def wait_for_end(directory: Directory) -> None:
    """Serve until Ctrl-C or SIGTERM; then stop what runs, so that what was said is stored."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
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
