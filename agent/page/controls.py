"""Small things that all of the page is made with."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from agent.core.errors import PlainError
from agent.core.language import N_, _
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

# What stands in and beside the text box.
PLACEHOLDER = N_("Type a message...")
SEND, STOP = N_("Send"), N_("Stop")


def idle() -> dict[str, Any]:
    """The properties of the text box while one can type."""
    return gr.update(
        submit_btn=_(SEND), stop_btn=False, interactive=True, placeholder=_(PLACEHOLDER)
    )


def busy() -> dict[str, Any]:
    """The properties of the text box while an answer runs."""
    return gr.update(submit_btn=False, stop_btn=_(STOP), interactive=False, placeholder="")


def inform(sentence: str) -> None:
    """Tell the visitor something, for a few seconds."""
    gr.Info(sentence, title=_("Note"))


@contextmanager
def show_errors() -> Iterator[None]:
    """Tell the visitor why something cannot be done.

    Raises:
        gr.Error: For a `PlainError`, with its words.
    """
    try:
        yield
    except PlainError as error:
        title = _("That did not work")
        raise gr.Error(error.notice.text, title=title, print_exception=False) from error


def refresh_if(there_is: object) -> Any:
    """A new value for `States.refresh`, where there is something new for the page to show."""
    return {"time": time.time()} if there_is else gr.skip()


async def clear(page: PageState) -> tuple[Any, ...]:
    """Forget the conversation: the session, and all that the page shows of it."""
    with show_errors():
        await page.forget()
    return page, "", [], idle()
