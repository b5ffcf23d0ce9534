"""What is kept of an open page: on the server, and in its browser for the time after a restart."""

from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from agent.chat.agents import Agents
from agent.chat.registry import Registry
from agent.chat.sent_files import MAX_FILES, largest
from agent.core.notices import Notice, PlainError
from agent.core.settings import Settings
from agent.core.visitor import is_anonymous_id, is_person_id, person_of
from agent.page.controls import show_errors
from agent.page.page_state import PageState, open_last, restore
from agent.render.file_links import accepted

# By this a page reads what it keeps in the browser; Gradio tells it to everybody who asks.
KEY = "no secret, but the same after a restart"


# Seconds between two looks whether a tool's result has come. Chosen, not measured.
RESULT_INTERVAL = 3.0


def about_files(settings: Settings) -> dict[str, Any]:
    """Which files a visitor may send, how many and how large, and what is said of more."""
    most = largest(settings)
    return {
        "accept": accepted(settings.accepted_types),
        "maxFiles": MAX_FILES,
        "maxFileSize": most,
        "tooManyFiles": Notice("too_many_files", {"most": MAX_FILES}).text,
        "fileTooLarge": Notice("file_too_large", {"megabytes": most / 1_000_000}).text,
    }


class States:
    """The page's states. Gradio forgets its own when the app ends; a page that is open then says
    by what the browser keeps whose it is, and which conversation with which agent is on it."""

    def __init__(self, agents: Agents) -> None:
        self.agents = agents
        # The page's `PageState`; None on a page that this process does not know.
        self.page = gr.State(None, render=False)
        # The user's id of a visitor who has not signed in. It stays while one has, so that what was
        # said before is there again afterwards.
        self.visitor = gr.BrowserState("", storage_key=f"chat with {agents.key}", secret=KEY)
        # The agent on the page, where there are several; the browser keeps the last one for the
        # next page.
        self.agent = gr.BrowserState("", storage_key=f"agent of {agents.key}", secret=KEY)

        # All these are not on the page, and so their changes are events before it is drawn.

        # Changes when there is something new for the page to show.
        self.refresh = gr.Number(visible=False, render=False)
        # Which conversation is on the page: the session's id.
        self.session_id = gr.Textbox(visible=False, render=False)
        # The question, as chat.js makes it; when it changes, it is answered.
        self.asked = gr.JSON(visible=False, render=False)
        # What `protocol.edit` hands to `edit` of chat.js.
        self.edited = gr.JSON(visible=False, render=False)
        # Which button below the last answer was pressed, by what it asks.
        self.chosen = gr.Textbox(visible=False, render=False)
        # Changes when the last message is to be taken back.
        self.undone = gr.JSON(visible=False, render=False)
        # What comes of the question; when it changes, `showAnswer` of chat.js shows it.
        self.answer = gr.Textbox(visible=False, render=False)
        # What is known of an answer when it is over; when it changes, `endAnswer` takes it.
        self.over = gr.JSON(visible=False, render=False)
        # What the page knows from the start, for `watchPage` of chat.js; later what is to be
        # said of what it shows.
        self.page_facts = gr.JSON(visible=False, render=False)
        # How the answers on the page are rated; when it changes, feedback.js shows it.
        self.ratings = gr.JSON(visible=False, render=False)
        # What the agent asks a person; when it changes, `showCards` of chat.js shows it.
        self.cards = gr.JSON(visible=False, render=False)
        # When the messages on the page were said; when it changes, times.js shows it.
        self.times = gr.JSON(visible=False, render=False)
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
        self.who: list[Any] = [self.page, self.visitor, self.session_id, self.agent]

    def render(self) -> None:
        """Put them on the page, where nobody sees them."""
        others = [self.refresh, self.asked, self.edited, self.answer, self.over, self.redraw_timer]
        others += [self.cards, self.replied, self.undone, self.result_timer, self.page_facts]
        others += [self.chosen, self.ratings, self.times]
        for component in (*self.who, *others):
            if not component.is_rendered:  # As an additional input is.
                component.render()

    def with_page_state(self, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The step that calls `act` with the page's state, if need be a new one."""

        async def step(
            page: PageState | None,
            visitor: str,
            session_id: str,
            agent: str,
            request: gr.Request,
            *more: Any,
        ) -> Any:
            return await act(await self.find(page, visitor, session_id, agent, request), *more)

        step.__name__ = getattr(act, "__name__", "step")  # Gradio names the step by it.
        return step

    def with_event(
        self, act: Callable[[PageState, gr.EventData], Awaitable[Any]]
    ) -> Callable[..., Awaitable[Any]]:
        """The step that calls `act` with the page's state, and with what the browser says with the
        event."""

        async def step(
            page: PageState | None,
            visitor: str,
            session_id: str,
            agent: str,
            request: gr.Request,
            event: gr.EventData,
        ) -> Any:
            return await act(await self.find(page, visitor, session_id, agent, request), event)

        step.__name__ = act.__name__
        return step

    async def find(
        self,
        page: PageState | None,
        visitor: object,
        session_id: object,
        agent: object,
        request: gr.Request,
    ) -> PageState:
        """The page's state; where this process does not know it, or from before a reload alone, by
        what its browser keeps.

        Raises:
            gr.Error: if it is the page of somebody else than who asks.
        """
        if page and self.agents.name_of(page.registry):
            check_person(page, request)
            return page
        user_id = asker(visitor, request)
        registry, is_known = await self._look_up(user_id, agent)
        return await restore(registry, user_id, str(session_id), is_known)

    async def open(
        self, visitor: object, session_id: object, agent: object, request: gr.Request
    ) -> PageState:
        """The state of a page that is opened."""
        user_id = asker(visitor, request)
        registry, is_known = await self._look_up(user_id, agent)
        return await open_last(registry, user_id, str(session_id), is_known)

    async def _look_up(self, user_id: str, agent: object) -> tuple[Registry, bool]:
        """The agent of this name, or the first; and whether the visitor is known to another, or
        needs not be known, having signed in."""
        agents = self.agents
        registry = await agents.get(str(agent)) if agent in agents.names else agents.first
        is_known = agents.are_several and await agents.knows(user_id)
        return registry, is_known or is_person_id(user_id)


def asker(visitor: object, request: gr.Request) -> str:
    """The user id of who asks: the person's who has signed in, whatever the browser says; else what
    it keeps, if that is an anonymous visitor's; else ""."""
    if person := person_of(request):
        return person.user_id
    claimed = str(visitor)
    return claimed if is_anonymous_id(claimed) else ""


def check_person(page: PageState, request: gr.Request) -> None:
    """Raise gr.Error for a page of somebody else: of who had signed in, or had not yet, before."""
    person = person_of(request)
    with show_errors():
        if page.person_id != (person.user_id if person else ""):
            raise PlainError("signed_in_otherwise")
