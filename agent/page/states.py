"""What is kept of an open page: on the server, and in its browser for the time after a restart."""

from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from agent.chat.registry import Registry
from agent.page.page_state import PageState, restore

# By which a page reads what it keeps in the browser; Gradio tells it to whoever asks.
KEY = "no secret, but the same after a restart"


# Seconds between two looks whether a tool's result has come. Chosen, not measured.
RESULT_INTERVAL = 3.0


class States:
    """The page's states. Gradio forgets its own when the app ends; a page that is open then says
    by what the browser keeps whose it is, and which conversation is on it."""

    def __init__(self, registry: Registry, app_name: str) -> None:
        self._registry = registry
        # The page's `PageState`; None on a page that this process does not know.
        self.page = gr.State(None, render=False)
        # Changes when there is something new for the page to show.
        self.refresh = gr.State(0.0, render=False)
        # Whose page it is: the user's id.
        self.visitor = gr.BrowserState("", storage_key=f"chat with {app_name}", secret=KEY)

        # All these are not on the page, and so their changes are events before it is drawn.

        # Which conversation is on the page: the session's id.
        self.session_id = gr.Textbox(visible=False, render=False)
        # The question, as chat.js makes it; when it changes, it is answered.
        self.asked = gr.JSON(visible=False, render=False)
        # What `protocol.edit` hands to `edit` of chat.js.
        self.edited = gr.JSON(visible=False, render=False)
        # Changes when the last message is to be taken back.
        self.undone = gr.JSON(visible=False, render=False)
        # What comes of the question; when it changes, `showAnswer` of chat.js shows it.
        self.answer = gr.Textbox(visible=False, render=False)
        # The question's number, when its answer is over; None before.
        self.over = gr.JSON(visible=False, render=False)
        # What the agent asks a person; when it changes, `showCards` of chat.js shows it.
        self.cards = gr.JSON(visible=False, render=False)
        # Its `submit` says that they are answered: cards.js is handed the trigger.
        self.replied = gr.HTML(
            visible="hidden",
            render=False,
            js_on_load="chatCards.watch(trigger)",
        )
        # Ticks while there is an answer to be shown that the browser had no time for: every 0.1 s.
        self.redraw_timer = gr.Timer(0.1, active=False, render=False)
        # Ticks while a long-running tool's result is still to come, which another program brings.
        self.result_timer = gr.Timer(RESULT_INTERVAL, active=False, render=False)
        # The inputs of a step that `with_page_state` makes; others may follow them.
        self.who: list[Any] = [self.page, self.visitor, self.session_id]

    def render(self) -> None:
        """Put them on the page, where nobody sees them."""
        others = [self.refresh, self.asked, self.edited, self.answer, self.over, self.redraw_timer]
        others += [self.cards, self.replied, self.undone, self.result_timer]
        for component in (*self.who, *others):
            if not component.is_rendered:  # As an additional input is.
                component.render()

    def with_page_state(self, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The step that calls `act` with the page's state, if need be a new one."""

        async def step(page: PageState | None, visitor: str, session_id: str, *more: Any) -> Any:
            return await act(await self.find(page, visitor, session_id), *more)

        step.__name__ = getattr(act, "__name__", "step")  # Gradio names the step by it.
        return step

    async def find(self, page: PageState | None, visitor: object, session_id: object) -> PageState:
        """The page's state; where this process does not know it, or from before a reload alone, by
        what its browser keeps."""
        if page and page.registry is self._registry:
            return page
        return await restore(self._registry, str(visitor), str(session_id))
