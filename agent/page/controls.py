"""Small things that all of the page is made with."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from agent.core.errors import PlainError
from agent.page.page_state import PageState

AT_ONCE: dict[str, Any] = {"api_visibility": "private", "queue": False}
"""For steps that take no time."""

QUEUED: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_limit": None,
    "show_progress": "hidden",
}
"""For steps that others wait for: a State's change is heard of in the queue alone."""

PLACEHOLDER = "Type a message..."

IDLE = gr.update(submit_btn="Send", stop_btn=False, interactive=True, placeholder=PLACEHOLDER)
"""The text box when one can type."""

BUSY = gr.update(submit_btn=False, stop_btn="Stop", interactive=False, placeholder="")
"""The same while an answer is running."""

NOTHING_SAID = "There is nothing in this chat yet."


@contextmanager
def show_errors() -> Iterator[None]:
    """Tell the visitor why something cannot be done."""
    try:
        yield
    except PlainError as error:
        raise gr.Error(str(error), print_exception=False) from error


def nothing() -> None:
    """A step of an event chain that only takes its time."""


def refresh_if(there_is: object) -> Any:
    """What makes a page catch up."""
    return time.time() if there_is else gr.skip()


async def clear(view: PageState) -> tuple[Any, ...]:
    """Forget the conversation: the session, and all that the page shows of it."""
    with show_errors():
        await view.forget()
    return view, "", [], IDLE
