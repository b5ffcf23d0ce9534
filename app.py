"""A streaming chat page for an ADK agent.

Run it:  python app.py [path/to/agent]     and open http://127.0.0.1:7860
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.events import Dependency
from starlette.middleware import Middleware

from agent.conversation import Conversation
from agent.doors import doors
from agent.loading import OURS, Loaded, NoAgent, load
from agent.messages import Message, to_messages
from agent.offline import HOW_TO_ADD_A_KEY
from agent.settings import Settings, read_settings
from agent.shield import Shield
from agent.transcript import Transcript, answer, clean, notices
from agent.turn import Turn


def page(loaded: Loaded, settings: Settings, for_mcp: bool = False) -> gr.ChatInterface:
    """A ChatInterface around a generator, which yields the accumulated text of ADK's SSE events
    and holds one ADK session per Gradio State; with a tool for MCP clients, if they are served."""
    host = loaded.runner.agent.name

    async def respond(
        message: str, history: list[Message], session: Conversation | None
    ) -> AsyncIterator[tuple[list[Message], Conversation]]:
        session = session or Conversation(loaded.runner, settings)
        turn = session.ask(message, kept=count_turns(history))
        async for transcript in follow(turn):
            yield to_messages(transcript, None if turn.over else turn.elapsed, host), session

    async def chat(
        message: str, session: Conversation | None
    ) -> AsyncIterator[tuple[str, Conversation]]:
        """Ask the agent; its answer so far, again and again until it is whole."""
        session = session or Conversation(loaded.runner, settings)
        async for transcript in follow(session.ask(message)):
            yield to_text(transcript), session

    async def ask(message: str) -> str:
        """Ask the agent.

        Parameters:
            message: What to ask it.
        """
        conversation = Conversation(loaded.runner, settings)
        turn = conversation.ask(message)
        try:
            async for _ in follow(turn):
                pass  # Cancelled by a client, it stops the turn.
        finally:
            conversation.forget_soon()
        return to_text(turn.transcript)

    session = gr.State(None, time_to_live=settings.session_idle, delete_callback=forget)
    demo = ChatPage(
        respond,
        chatbot=gr.Chatbot(
            scale=1,
            show_label=False,
            editable="user",
            buttons=["copy", "copy_all"],
            autoscroll=False,  # FOLLOW does it.
        ),
        additional_inputs=[session],
        additional_outputs=[session],
        # Gradio puts even a State into an "Additional inputs" panel.
        additional_inputs_accordion=gr.Accordion(visible=False, render=False),
        title=loaded.title,
        description=describe(loaded),
        examples=[[example] for example in loaded.examples] or None,
        cache_examples=False,
        editable=True,
        flagging_mode="never",
        analytics_enabled=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    with demo:
        demo.wire(session)
        text, reply = (gr.Textbox(visible=False, label=name) for name in ("message", "answer"))
        gr.Button(visible=False).click(
            chat,
            [text, session],
            [reply, session],
            api_name="chat",
            # Gradio 6.31 fails where an MCP tool has a State among its outputs (gradio/mcp.py).
            api_visibility="undocumented" if for_mcp else "public",
            concurrency_limit=None,
        )
        if for_mcp:
            gr.api(ask, api_description=loaded.description, concurrency_limit=None)
    return demo


async def follow(turn: Turn) -> AsyncIterator[Transcript]:
    """The turn's transcripts, each as soon as the page is ready for it; never an exception.

    Cancelled by Clear, by Edit or by a client, it stops the turn. A closed tab does not cancel:
    Gradio then drops the generator, and the turn has its time of grace.
    """
    try:
        async for transcript in turn.watch():
            yield transcript
    except asyncio.CancelledError:
        turn.stop()
        raise


class ChatPage(gr.ChatInterface):
    """A ChatInterface whose Stop lets the answer end by itself, so that page and session agree.

    Gradio's own Stop cancels the run: the page keeps what happened to be on it, and what the
    agent remembers is a few words more. Ours ends the turn, and the run's last yield shows it.
    """

    def _setup_stop_events(
        self,
        event_triggers: list[Any],
        events_to_cancel: list[Dependency],
        after_success: Dependency,
    ) -> None:
        triggers = [*event_triggers, self.chatbot.edit, self.chatbot.option_select]
        super()._setup_stop_events(triggers, [], after_success)

    def _clear_and_save_textbox(self, message: Any) -> Any:
        # Half a character in what is typed would end Gradio's stream to this page.
        return super()._clear_and_save_textbox(clean(message or ""))

    def wire(self, session: gr.State) -> None:
        """Stop and Clear for every kind of run, and a text box that comes back after each.

        By itself Gradio 6.31 leaves the text box locked when a run fails, and lets an answer run
        on over a cleared page.
        """
        quietly: dict[str, Any] = {"api_visibility": "private", "queue": False}
        runs: list[Any] = [
            Dependency(None, cast(Any, run).get_config(), run._id, run.fn)
            for run in self.fns.values()
            if run.name == "_submit_fn"
        ]
        shown = [self.chatbot, self.chatbot_state, self.chatbot_value]
        self.textbox.stop(stop, session, None, **quietly)
        # What the next run is given as history is what the page shows at that moment, whatever a
        # step of a cancelled run may still have stored.
        self.textbox.submit(lambda page: page, self.chatbot, self.chatbot_state, **quietly)
        self.chatbot.example_select(list, None, self.chatbot_state, **quietly)
        # First the run is cancelled, then its page cleared: the other way round it would repaint.
        cancelled = self.chatbot.clear(nothing, None, None, cancels=runs, **quietly)
        cancelled.then(clear, session, [session, self.textbox, *shown], **quietly)
        self.chatbot.edit(None, None, None, cancels=runs)
        for run in runs:
            # Not yet interactive: Gradio's next step empties the box, and would take typed words.
            run.then(lambda: idle(), None, self.textbox, **quietly)
            # A cancelled run fails too, but then goes on with Gradio's next steps: let them pass.
            passed = run.failure(nothing, None, None, **quietly).then(
                nothing, None, None, **quietly
            )
            passed.then(lambda: idle(interactive=True), None, self.textbox, **quietly)


def nothing() -> None:
    """A step of an event chain that only takes its time."""


def idle(**more: Any) -> gr.Textbox:
    """The text box with its Send button in place of Stop."""
    return gr.Textbox(submit_btn=True, stop_btn=False, placeholder="Type a message...", **more)


async def stop(session: Conversation | None) -> None:
    """End the running answer; what was said stays, and is remembered."""
    if session:
        await session.stop()


async def clear(session: Conversation | None) -> tuple[Any, ...]:
    """Forget the conversation: the session, the text box, and all that is shown."""
    if session:
        await session.forget()
    return None, idle(), [], [], []


def forget(session: Conversation | None) -> None:
    """The session's State has expired. Gradio calls this on the event loop, and awaits nothing."""
    if session:
        session.forget_soon()


def count_turns(history: list[Message]) -> int:
    """How many turns are on the page: all that is believed of what the browser says."""
    return sum(message["role"] == "user" for message in history)


def to_text(transcript: Transcript) -> str:
    """The answer for a program: the text alone, and the app's own sentences in brackets."""
    said = [clean(answer(transcript)), *(f"({notice})" for notice in notices(transcript))]
    return "\n\n".join(filter(None, said))


def describe(loaded: Loaded) -> str:
    """What stands below the title."""
    if not loaded.is_offline:
        return loaded.description
    return (
        f"{loaded.description}\n\nAnswered by the **built-in offline model**, which is not an AI. "
        + HOW_TO_ADD_A_KEY
    )


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


def serve(demo: gr.ChatInterface, loaded: Loaded, settings: Settings, **options: Any) -> Any:
    """Launch the page, and the other doors beside it; `options` are `Blocks.launch`'s own."""
    return demo.launch(
        quiet=True,
        js=FOLLOW,
        css=CONTAINED,
        max_threads=settings.page_threads,
        run_history=False,
        footer_links=[],
        enable_monitoring=False,
        # The doors tell of themselves at /openapi.json; Gradio's own routes stay untold.
        app_kwargs={
            "openapi_url": None,
            "routes": doors(loaded, settings).routes,
            "middleware": [Middleware(Shield, closed=CLOSED, pictures=PICTURES)],
            "max_body_size": MAX_BODY,
        },
        **options,
    )


def read(folder: Path) -> tuple[Loaded, Settings]:
    """The agent in `folder` and the settings; a host's mistake ends the program with a sentence."""
    try:
        return load(folder), read_settings(os.environ)
    except (NoAgent, ValueError) as error:
        sys.exit(str(error))


chosen = sys.argv[1:2] if __name__ == "__main__" else []
loaded, settings = read(Path(*chosen) if chosen else OURS)
has_mcp = find_spec("mcp") is not None
demo = page(loaded, settings, has_mcp)

if __name__ == "__main__":
    _, url, _ = serve(demo, loaded, settings, mcp_server=has_mcp, prevent_thread_lock=True)
    print(f"Running on {url} (stop with Ctrl-C)", flush=True)  # noqa: T201
    demo.block_thread()
