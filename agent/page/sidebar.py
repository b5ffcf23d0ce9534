"""The sidebar: the visitor's conversations, and what can be done with the open one."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gradio as gr

from agent.core.history import title
from agent.page.browser import js
from agent.page.controls import AT_ONCE, NOTHING_SAID, QUEUED, clear, refresh_if, show_errors
from agent.page.page_state import PageState
from agent.page.states import States
from agent.stores.fallback import StoreUnavailable

# What a conversation can be exported as, by how the files end, and the buttons' labels.
EXPORTS = {
    "md": "Save as Markdown",
    "html": "Save as a web page",
    "json": "Save for ADK (JSON)",
}

LINK = (
    "Anybody who has this link can read the chat as it was when you shared it last, with the "
    "agent's thoughts and tools"
)

# Characters of a page's address, as its browser tells it.
MAX_URL = 2_000

NOT_FOUND = "None of your chats has these words in its name."


class SideBar:
    """Made inside the page. It is empty while it is folded.

    Args:
        states: The page's.
        opened: What changes when the page turns to another conversation (`open_chat`).
        emptied: What changes when the conversation on it is deleted (`clear`).
    """

    def __init__(self, states: States, opened: list[Any], emptied: list[Any]) -> None:
        self._states, self._who = states, states.who
        self._opened, self._emptied = opened, emptied
        with (
            gr.Sidebar(open=False, elem_id="side-bar") as self._bar,
            gr.Column(visible=False) as self._column,
        ):
            self._add_chats()
            self._add_exports()
            self._delete = _button_with_confirmation("Delete this chat", "Really delete this chat")
            self._forget = _button_with_confirmation("Forget me", "Really delete all my chats")
        # Changes when an open sidebar's list is out of date.
        self._list_changed = gr.Textbox(visible="hidden")
        self._bar.expand(lambda: gr.Column(visible=True), None, self._column, **AT_ONCE)
        self._bar.collapse(lambda: gr.Column(visible=False), None, self._column, **AT_ONCE)
        self._wire_chats()
        self._wire_exports()
        self._wire_ends()

    def _add_chats(self) -> None:
        self._new = gr.Button("New chat")
        search = "Search the names of your chats"
        self._search = gr.Textbox(
            placeholder=search, label=search, show_label=False, container=False
        )
        self._chats = gr.Radio(
            [], label="Your chats", show_label=False, container=False, elem_id="chats"
        )
        name = "A new name for this chat"
        self._name = gr.Textbox(placeholder=name, label=name, submit_btn="Rename", show_label=False)

    def _add_exports(self) -> None:
        self._exports = {kind: gr.Button(label, size="sm") for kind, label in EXPORTS.items()}
        self._share = gr.Button("Share this chat as it is now", size="sm")
        self._link = gr.Textbox(
            label=LINK, elem_id="link", interactive=False, buttons=["copy"], visible=False
        )
        self._withdraw = gr.Button("Stop sharing", size="sm", visible=False)

    def _wire_chats(self) -> None:
        with_page_state, states, who = self._states.with_page_state, self._states, self._who
        turn: dict[str, Any] = {"outputs": self._opened, "js": js("leaveChat"), **QUEUED}
        self._new.click(with_page_state(new_chat), who, **turn)
        self._chats.input(with_page_state(open_chat), [*who, self._chats], **turn)
        states.session_id.change(None, None, self._list_changed, js=js("listChanged"), **AT_ONCE)
        self._list_after(self._bar.expand, self._search.change, self._list_changed.change)
        renamed = with_page_state(rename_chat), [*who, self._name], self._name
        self._list_after(self._name.submit(*renamed, **QUEUED).then)

    def _list_after(self, *triggers: Callable[..., Any]) -> None:
        inputs = [*self._who, self._search]
        for trigger in triggers:
            trigger(self._states.with_page_state(list_chats), inputs, self._chats, **AT_ONCE)

    def _wire_exports(self) -> None:
        with_page_state, who = self._states.with_page_state, self._who
        file, page_url = gr.JSON(visible=False), gr.Textbox(visible=False)
        # To render a long chat takes seconds of CPU: two at once leave some for others.
        few: dict[str, Any] = {**QUEUED, "concurrency_limit": 2, "concurrency_id": "exports"}
        for kind, button in self._exports.items():
            made = button.click(with_page_state(partial(export_chat, kind)), who, file, **few)
            made.then(None, file, file, js=js("saveFile"), **AT_ONCE)
        link: dict[str, Any] = {
            "inputs": [*who, page_url],
            "outputs": [self._link, self._withdraw],
            "js": js("pageUrl"),
            **QUEUED,
        }
        self._share.click(with_page_state(share), **link)
        self._withdraw.click(with_page_state(stop_sharing), **link)
        gr.on([self._bar.expand, self._list_changed.change], with_page_state(show_link), **link)

    def _wire_ends(self) -> None:
        with_page_state, who, states = self._states.with_page_state, self._who, self._states
        emptied = self._emptied
        # Whoever turns to another chat does not mean to delete that one.
        gr.on(
            [self._new.click, self._chats.input, self._bar.collapse],
            lambda: [gr.Button(visible=False)] * 2,
            None,
            [self._delete, self._forget],
            **AT_ONCE,
        )
        self._delete.click(with_page_state(clear), who, emptied, **QUEUED)
        forgotten = self._forget.click(
            with_page_state(forget_me), who, [states.visitor, *emptied], **QUEUED
        )
        forgotten.then(None, None, None, js=js("forgetDrafts"), **AT_ONCE)
        self._list_after(forgotten.then)


def _button_with_confirmation(label: str, really: str) -> gr.Button:
    """A button, and the one that appears below it when it is pressed: which is returned."""
    first = gr.Button(label, size="sm")
    second = gr.Button(really, size="sm", variant="stop", visible=False)
    first.click(lambda: gr.Button(visible=True), None, second, **AT_ONCE)
    second.click(lambda: gr.Button(visible=False), None, second, **AT_ONCE)
    return second


async def list_chats(page: PageState, search: str) -> gr.Radio:
    """The visitor's conversations with these words in their names, the newest first."""
    chats = [(title(chat), chat.id) for chat in await page.chats()]
    found = [chat for chat in chats if (search or "").lower() in chat[0].lower()]
    selected = page.session_id if page.session_id in dict(found).values() else None
    return gr.Radio(found, value=selected, info=NOT_FOUND if chats and not found else None)


async def open_chat(page: PageState, session_id: str | None) -> tuple[Any, ...]:
    """Turn the page to another conversation; one can type when the page shows it."""
    page.turn_to(session_id)
    return page, session_id or "", refresh_if(True), [], gr.Textbox(interactive=False)


async def new_chat(page: PageState) -> tuple[Any, ...]:
    """Turn the page to a new conversation."""
    return await open_chat(page, None)


async def rename_chat(page: PageState, title: str) -> str:
    """Give the conversation on the page another name."""
    with show_errors():
        if not await page.rename(title):
            gr.Info(NOTHING_SAID)
    return ""


async def forget_me(page: PageState) -> tuple[Any, ...]:
    """Delete all that the visitor has ever said; the page is a new visitor's then."""
    with show_errors():
        await page.forget_visitor()
    return page.user_id, *await clear(page)


async def export_chat(kind: str, page: PageState) -> dict[str, str] | None:
    """The conversation as a file, for the browser to save."""
    if exported := await page.export(kind):
        return dict(zip(("name", "text"), exported, strict=True))
    gr.Info(NOTHING_SAID)
    return None


async def share(page: PageState, page_url: str) -> tuple[gr.Textbox, gr.Button]:
    """Let others read the conversation as it is now."""
    await page.share()
    shown = await show_link(page, page_url)
    if not await page.token():
        gr.Info(NOTHING_SAID)
    return shown


async def stop_sharing(page: PageState, page_url: str) -> tuple[gr.Textbox, gr.Button]:
    """Let nobody else read it any more."""
    await page.stop_sharing()
    return await show_link(page, page_url)


async def show_link(page: PageState, page_url: str) -> tuple[gr.Textbox, gr.Button]:
    """The link to the conversation, and the button that ends it; hidden where it is not shared."""
    token = None
    with suppress(StoreUnavailable):
        token = await page.token()
    link = f"{str(page_url)[:MAX_URL]}shared/{token}" if token else ""
    return gr.Textbox(link, visible=bool(token)), gr.Button(visible=bool(token))
