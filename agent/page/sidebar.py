"""The side bar: the visitor's conversations, and what can be done with each of them.

The browser draws the list, its menus and its dialogs (static/chats.js), and says what is wanted
with which conversation. Whatever id it says, only the visitor's own are found.
"""

import time
from functools import partial
from typing import Any, cast

import gradio as gr

from agent.chat.agents import Agents
from agent.chat.rating import keep_example, take_back_example
from agent.core.history import title
from agent.core.language import N_, _
from agent.core.sign_in import SignIn
from agent.core.visitor import person_of
from agent.page.browser import js
from agent.page.controls import AT_ONCE, QUEUED, clear, inform, refresh_if, show_errors
from agent.page.exporting import exported
from agent.page.gradio_internals import attribute_of_page
from agent.page.gradio_sign_in import has_sign_in
from agent.page.page_state import PageState
from agent.page.protocol import parse_wish
from agent.page.states import States

# Of this browser alone; by itself Gradio ends all that the person has anywhere.
SIGN_OUT = "logout?all_session=false"

NOTHING_LEFT = N_("There is nothing in this chat any more.")
TAKEN_BACK = N_("This chat is no example any more.")


class SideBar:
    """Made inside the page.

    Args:
        states: The page's.
        opened: What changes when the page turns to another conversation (`open_chat`).
        emptied: What changes when the conversation on it is deleted (`clear`).
    """

    def __init__(self, states: States, opened: list[Any], emptied: list[Any]) -> None:
        self._states = states
        with gr.Sidebar(open=False, elem_id="side-bar") as self._bar:
            self._new = gr.Button(N_("New chat"), elem_id="new-chat")
            # What it fires is named in static/chats.js: "expand" asks for the list, "select" opens
            # a chat, "click" names or shares it, or keeps it as an example, "download" saves and
            # "delete" deletes it, and "clear" deletes all.
            self._place = gr.HTML(
                elem_id="chats",
                js_on_load="chatList.watch(element, trigger)",
                apply_default_css=False,  # Which is for text.
            )
        self._wire_list()
        self._wire_opening(opened, emptied)
        self._wire_wishes()
        self._wire_ends(emptied)

    def _wire_list(self) -> None:
        states, listed = self._states, gr.JSON(visible=False)
        gr.on(
            [self._bar.expand, self._place.expand],
            self.list_chats,
            states.who,
            listed,
            trigger_mode="always_last",
            **AT_ONCE,
        )
        listed.change(None, listed, None, js=js("list", "chatList"), **AT_ONCE)
        for change in (states.session_id.change, states.over.change):
            change(None, None, None, js=js("look", "chatList"), **AT_ONCE)

    async def list_chats(
        self,
        page: PageState | None,
        visitor: str,
        session_id: str,
        agent: str,
        request: gr.Request,
    ) -> dict[str, Any]:
        """The visitor's conversations, the newest first, with the time of what was said last in
        each, in seconds since 1970; `time` makes it another list each time. And who that is."""
        page = await self._states.find(page, visitor, session_id, agent, request)
        chats = [
            {"id": chat.id, "name": title(chat), "time": chat.last_update_time}
            for chat in await page.chats()
        ]
        return {"time": time.time(), "chats": chats, "account": account(request)}

    def _wire_opening(self, opened: list[Any], emptied: list[Any]) -> None:
        states = self._states
        turn: dict[str, Any] = {"outputs": opened, "js": js("leaveChat"), **QUEUED}
        # Gradio's bin, which empties the page, is hidden (looks.css), and deletes nothing.
        *_others, chatbot, _box = emptied
        for begun in (self._new.click, chatbot.clear):
            begun(states.with_page_state(new_chat), states.who, **turn)
        self._place.select(states.with_event(open_chat), states.who, **turn)

    def _wire_wishes(self) -> None:
        states, who = self._states, self._states.who
        reply, file = gr.JSON(visible=False), gr.JSON(visible=False)
        done = self._place.click(states.with_event(fulfil), who, reply, **QUEUED)
        done.success(None, reply, None, js=js("wishDone", "chatList"), **AT_ONCE)
        done.failure(None, None, None, js=js("failed", "chatList"), **AT_ONCE)
        # To render a long chat takes seconds of CPU: two at once leave some for others.
        few: dict[str, Any] = {**QUEUED, "concurrency_limit": 2, "concurrency_id": "exports"}
        made = self._place.download(states.with_event(export_chat), who, file, **few)
        made.then(None, file, file, js=js("saveFile"), **AT_ONCE)

    def _wire_ends(self, emptied: list[Any]) -> None:
        states, who = self._states, self._states.who
        # What is typed meanwhile would be asked in a chat that is about to go. Listeners of one
        # event run in the order in which they are made.
        *_others, box = emptied
        self._place.delete(None, None, box, js=js("lock"), **AT_ONCE)
        self.deleted = self._place.delete(states.with_event(delete_chat), who, emptied, **QUEUED)
        self.deleted.failure(None, None, box, js=js("keep"), **AT_ONCE)
        self.forgotten = forgotten = self._place.clear(
            states.with_page_state(partial(forget_me, states.agents)),
            who,
            [states.visitor, *emptied],
            **QUEUED,
        )
        forgotten.then(None, None, None, js=js("forgetDrafts"), **AT_ONCE)
        for step in (self.deleted, forgotten):
            step.then(None, None, None, js=js("look", "chatList"), **AT_ONCE)


def account(request: gr.Request) -> dict[str, str]:
    """What account.js shows: the name of who has signed in, and the addresses by which to sign in
    or out; "" where one cannot."""
    person, app = person_of(request), cast(Any, request).app
    by = attribute_of_page(app, "sign_in", SignIn()).by
    sign_out = {"huggingface": "logout", "gradio": SIGN_OUT if has_sign_in(app, False) else ""}
    return {
        "name": person.name if person else "",
        "signIn": "login/huggingface" if by == "huggingface" and not person else "",
        "signOut": sign_out.get(by, "") if person else "",
    }


async def open_chat(page: PageState, event: gr.EventData) -> tuple[Any, ...]:
    """Turn the page to another conversation."""
    return turn_to(page, parse_wish(event).session_id or None)


async def new_chat(page: PageState) -> tuple[Any, ...]:
    """Turn the page to a new conversation."""
    return turn_to(page, None)


def turn_to(page: PageState, session_id: str | None) -> tuple[Any, ...]:
    """Another conversation, or with None a new one; one can type when the page shows it."""
    page.turn_to(session_id)
    return page, session_id or "", refresh_if(True), [], gr.Textbox(interactive=False)


async def fulfil(page: PageState, event: gr.EventData) -> dict[str, Any]:
    """Name or share a conversation, or keep it as an example; what the side bar is told of it, and
    of its link, then.

    To look at its link shares nothing: what is shared stays as it was, until the visitor wants it
    to be as it is now.
    """
    kind, id, name = parse_wish(event)
    is_there = True
    with show_errors():
        match kind:
            case "rename":
                is_there = await page.rename(name, id)
            case "link":
                is_there = await page.chat(id) is not None
            case "share" | "share again":
                is_there = await page.share(id)
            case "unshare":
                await page.stop_sharing(id)
            case "example" | "no example":
                is_there = await _keep_example(page, id, is_kept=kind == "example")
        if not is_there:
            inform(_(NOTHING_LEFT))
        token = await page.token(id)
    return {"kind": kind, "id": id, "isThere": is_there, "token": token}


async def _keep_example(page: PageState, id: str, is_kept: bool) -> bool:
    """Keep a conversation as an example of how it should go, or do not any more; whether there is
    such a one."""
    conversation = await page.chat(id) if page.registry.settings.feedback else None
    if conversation is None:
        return False
    if is_kept:
        await keep_example(page.registry, conversation)
    else:
        await take_back_example(page.registry, conversation)
        inform(_(TAKEN_BACK))
    return True


async def export_chat(page: PageState, event: gr.EventData) -> dict[str, str] | None:
    """A conversation as a file, for the browser to save."""
    kind, id, _name = parse_wish(event)
    with show_errors():
        conversation = await page.chat(id)
        if conversation and (file := await exported(page.registry, conversation, kind)):
            return file
    inform(_(NOTHING_LEFT))
    return None


async def delete_chat(page: PageState, event: gr.EventData) -> tuple[Any, ...]:
    """Delete a conversation; the page shows a new one, if it was on it."""
    session_id = parse_wish(event).session_id
    if session_id and session_id == page.session_id:
        return await clear(page)
    with show_errors():
        await page.delete(session_id)
    return (gr.skip(),) * 4


async def forget_me(agents: Agents, page: PageState) -> tuple[Any, ...]:
    """Delete all that the visitor has ever said to any agent; the page is a new visitor's then,
    unless that has signed in."""
    with show_errors():
        await page.forget_visitor(agents)
    who = gr.skip() if page.person_id else page.user_id
    return who, *await clear(page)
