"""What a visitor can do on the page: each handler of its events."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import gradio as gr

from agent.chat.conversation import GONE_ON
from agent.chat.loader import LoadedAgent
from agent.chat.registry import Registry
from agent.core.text import clean
from agent.core.transcript import Transcript, answer, notices
from agent.limits.client_address import client_address
from agent.page.controls import (
    BUSY,
    IDLE,
    refresh_if,
    show_errors,
)
from agent.page.page_state import PageState, follow, open_last
from agent.page.protocol import answered, heard, taken
from agent.page.states import States, user_and_session
from agent.render.messages import to_messages, to_page

NOT_LISTED = "Earlier chats cannot be reached at the moment. They are not lost."


class Chat:
    """A generator function that yields the accumulated text of ADK's SSE events, with one ADK
    session per Gradio State; and what else a visitor can do on the page."""

    def __init__(self, loaded: LoadedAgent, registry: Registry) -> None:
        self._host, self._registry = loaded.runner.agent.name, registry
        self.settings = registry.settings
        self.states = States(registry, loaded.runner.app_name)

    async def respond(
        self,
        asked: Any,
        view: PageState | None,
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
            where = user_and_session(view) if turn.past.invocation_id else None
            told = answered(messages, number=number, where=where)
            if not over or told != before:  # At a yield alone Gradio sees a closed tab.
                yield told, None, kept, gr.skip()
                kept = gr.skip()  # Gradio works for each State that it is given.
        if over:
            # The words are not sent again: Gradio tells the last value whole.
            yield gr.skip(), number, kept, refresh_if(view.unsent or view.is_long)

    async def arrive(self, visitor: object, place: object) -> tuple[Any, ...]:
        """A page is opened: whose it is, and whether there is something to show on it."""
        view = await open_last(self._registry, str(visitor), str(place))
        if self._registry.store_unavailable:
            gr.Warning(NOT_LISTED)
        box = gr.skip() if view.session_id else IDLE
        return view, view.user_id, view.session_id or "", refresh_if(view.session_id), box

    async def replay(self, view: PageState, request: gr.Request) -> AsyncIterator[tuple[Any, Any]]:
        """Show the conversation, and the answer that is on its way."""
        async for turns, is_running in view.replay(partial(taken, request)):
            page = to_page(turns, self._host, view.hidden)
            yield page, BUSY if is_running else IDLE
        if view.unsent:
            gr.Info(GONE_ON)
            yield gr.skip(), IDLE | {"value": view.unsent}
            view.unsent = ""

    async def leave(self, view: PageState) -> None:
        """One of the messages is asked anew: what is said to the last one counts no more."""
        view.leave()

    async def stop(self, view: PageState, asked: Any) -> None:
        """End the answer to that message; what was said stays, and is remembered."""
        await view.stop(heard(asked)[1])

    async def undo(self, view: PageState) -> str:
        """Forget the last message, which the page takes back into the text box."""
        with show_errors():
            await view.undo()
        return view.session_id or ""

    async def chat(
        self, message: str, view: PageState | None, request: gr.Request
    ) -> AsyncIterator[tuple[str, PageState]]:
        """Ask the agent; its answer so far, again and again until it is whole."""
        view = view or PageState(self._registry)
        turn = view.ask(message, len(view.shown), address(request))
        async for transcript in view.follow(turn, partial(taken, request)):
            yield to_text(transcript), view

    async def ask(self, message: str, request: gr.Request) -> str:
        """Ask the agent.

        Parameters:
            message: What to ask it.
        """
        view = PageState(self._registry)
        turn = view.ask(message, 0, address(request))
        try:
            async for _ in follow(turn):
                pass  # Cancelled by a client, it stops the turn.
        finally:
            view.forget_soon()
        return to_text(turn.transcript)


def address(request: gr.Request) -> str:
    """From where a message comes."""
    return client_address(cast(Any, request.request))


def to_text(transcript: Transcript) -> str:
    """The answer for a program: the text alone, and the app's own sentences in brackets."""
    said = [clean(answer(transcript)), *(f"({notice})" for notice in notices(transcript))]
    return "\n\n".join(filter(None, said))
