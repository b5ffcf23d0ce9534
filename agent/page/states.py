"""What is kept of an open page: here, and in its browser for the time after a restart."""

from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from agent.chat.registry import Registry
from agent.page.page_state import PageState, restore

KEY = "no secret, but the same after a restart"
"""By which a page reads what it keeps in the browser; Gradio tells it to whoever asks."""


class States:
    """The page's states. Gradio forgets its own when the app ends; a page that is open then says
    by the browser's who it is, and what is on it."""

    def __init__(self, registry: Registry, app_name: str) -> None:
        self._registry = registry
        self.page = gr.State(None, render=False)
        """The page's `View`; None on a page that this process does not know."""
        self.refresh = gr.State(0.0, render=False)
        """Changes when the page has something to catch up with."""
        self.visitor = gr.BrowserState("", storage_key=f"chat with {app_name}", secret=KEY)
        """Whose page it is."""
        # All these are not on the page, and so tell of their changes before it is drawn.
        self.place = gr.Textbox(visible=False, render=False)
        """Which conversation is on it."""
        self.asked = gr.JSON(visible=False, render=False)
        """What the visitor asks, by `scripts.ASK`; when it changes, it is answered."""
        self.edited = gr.JSON(visible=False, render=False)
        """What `asking.edit` hands to `scripts.EDIT`."""
        self.answer = gr.Textbox(visible=False, render=False)
        """What comes of it; when it changes, `scripts.SHOW` puts it on the page."""
        self.over = gr.JSON(visible=False, render=False)
        """The number of what was asked, when its answer is over; None before."""
        self.redraw_timer = gr.Timer(0.1, active=False, render=False)
        """Ticks while something is to be shown that there was no time for."""
        self.who: list[Any] = [self.page, self.visitor, self.place]
        """The inputs of a step that is made by `known`; others may follow them."""

    def render(self) -> None:
        """Put them on the page, where nobody sees them."""
        parts = [self.refresh, self.asked, self.edited, self.answer, self.over, self.redraw_timer]
        for part in (*self.who, *parts):
            if not part.is_rendered:  # As an additional input is.
                part.render()

    def with_page_state(self, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The step that does `act` with the page's `View`, if need be a new one."""

        async def step(view: PageState | None, visitor: str, place: str, *more: Any) -> Any:
            return await act(await self.find(view, visitor, place), *more)

        step.__name__ = getattr(act, "__name__", "step")  # Gradio names the step by it.
        return step

    async def find(self, view: PageState | None, visitor: object, place: object) -> PageState:
        """The page's `View`."""
        return view or await restore(self._registry, str(visitor), str(place))
