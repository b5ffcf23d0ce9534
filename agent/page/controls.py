"""Small things that all of the page is made with."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from agent.core.errors import PlainError
from agent.page.page_state import PageState

# For steps that take no time.
AT_ONCE: dict[str, Any] = {"api_visibility": "private", "queue": False}

# For steps that take their time, or that set a `gr.State` on whose change another step depends:
# Gradio announces that in the queue alone.
QUEUED: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_limit": None,
    "show_progress": "hidden",
}

PLACEHOLDER = "Type a message..."

# How the text box is changed when one can type, and while an answer runs.
IDLE = gr.update(submit_btn="Send", stop_btn=False, interactive=True, placeholder=PLACEHOLDER)
BUSY = gr.update(submit_btn=False, stop_btn="Stop", interactive=False, placeholder="")

NOTHING_SAID = "There is nothing in this chat yet."


@contextmanager
def show_errors() -> Iterator[None]:
    """Tell the visitor why something cannot be done.

    Raises:
        gr.Error: For a `PlainError`, with its words.
    """
    try:
        yield
    except PlainError as error:
        raise gr.Error(str(error), print_exception=False) from error


def nothing() -> None:
    """A step that gives what was sent before it the time of one request to arrive."""


def refresh_if(there_is: object) -> Any:
    """A new value for `States.refresh`, where there is something new for the page to show."""
    return time.time() if there_is else gr.skip()


async def clear(page: PageState) -> tuple[Any, ...]:
    """Forget the conversation: the session, and all that the page shows of it."""
    with show_errors():
        await page.forget()
    return page, "", [], IDLE
