"""What a visitor can do on the page: the handlers of its events."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

import gradio as gr

from agent.chat.agents import Agents
from agent.core.language import N_, _
from agent.core.plain_text import to_text
from agent.core.transcript import Transcript
from agent.core.waiting import open_calls
from agent.page.cards import to_cards
from agent.page.controls import busy, idle, inform, refresh_if, show_errors
from agent.page.feedback import ratings
from agent.page.page_state import PageState
from agent.page.protocol import encode_answer, parse_question, wait_until_sent
from agent.page.states import States, asker, check_person
from agent.render.messages import Message, is_asked, to_page
from agent.stores.fallback import StoreUnavailable

# What a ChatInterface calls: with a message, the messages above it, the page's session and the
# request; it yields the messages of the answer so far, and the session.
Respond: TypeAlias = Callable[
    [Any, list[dict[str, Any]], PageState | None, gr.Request],
    AsyncGenerator[tuple[list[Message], PageState], None],
]

NOT_LISTED = N_("Earlier chats cannot be reached at the moment. They are not lost.")

# A message of the visitor's: `respond` is told only that it is there.
ASKED = {"role": "user", "content": ""}


class Handlers:
    """Around `respond`, which the page runs, whatever carries the answer to the browser."""

    def __init__(self, respond: Respond, agents: Agents) -> None:
        self._respond, self._agents = respond, agents
        self.states = States(agents)

    async def run(
        self,
        asked: Any,
        page: PageState | None,
        visitor: object,
        session_id: object,
        agent: object,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Answer the message that has just been put on the page: what comes of it, and when that is
        over, what else the page is to know."""
        page = kept = await self.states.find(page, visitor, session_id, agent, request)
        question = parse_question(asked)
        number, over, encoded = question["number"], False, ""
        answers = self._respond(question, [ASKED] * question["above"], page, request)
        async with aclosing(answers) as so_far:
            async for messages, _page in so_far:
                if (turn := page.answers(number)) is None:
                    return  # Something else has been asked on the page since.
                over, before = turn.over, encoded
                # Once something is stored, a reload finds it.
                who = None if page.person_id else page.user_id
                where = (who, page.session_id or "") if turn.id else None
                encoded = encode_answer(messages, number=number, where=where)
                if not over or encoded != before:  # At a yield alone Gradio sees a closed tab.
                    yield encoded, None, kept
                    kept = gr.skip()  # Gradio works for each State that it is given.
                if not over:
                    await wait_until_sent(request)
        if over:
            # The words are not sent again: Gradio sends the last value whole.
            is_given_back = page.given_back is not None
            is_old = is_given_back or page.is_long or page.has_old_answers
            transcript = page.turn.transcript if page.turn else ()
            page.waiting |= open_calls(transcript).keys()
            about = {"number": number, "isOld": is_old, "isWaiting": bool(page.waiting)}
            about |= {"isGivenBack": is_given_back, "cards": self._cards(transcript)}
            about["turn"] = page.rateable
            yield gr.skip(), about, kept

    async def arrive(
        self, visitor: object, session_id: object, agent: object, request: gr.Request
    ) -> tuple[Any, ...]:
        """A page is opened: whose it is, with which agent, whether there is something to show on
        it, and what is to be said of that."""
        notes = []
        if agent and agent not in self._agents.names:
            notes.append(self._agents.no_such(str(agent)).text)
        page = await self.states.open(visitor, session_id, agent, request)
        if page.registry.store_unavailable:
            notes.append(_(NOT_LISTED))
        name = self._agents.name_of(page.registry) if self._agents.are_several else ""
        who = gr.skip() if page.person_id else page.user_id
        return (
            page,
            who,
            page.session_id or "",
            name,
            refresh_if(page.session_id),
            {"note": " ".join(notes)},
        )

    async def replay(self, page: PageState, request: gr.Request) -> AsyncIterator[tuple[Any, ...]]:
        """Show the conversation, and the answer that is on its way."""
        check_person(page, request)
        unsent, why, rated = page.unsent, page.given_back, None
        async with aclosing(page.replay()) as histories:
            async for records, is_running in histories:
                silence = page.turn.silence if page.turn and is_running else None
                messages = to_page(
                    records,
                    root_agent=page.registry.agent_name,
                    hidden=page.screen.hidden,
                    silence=silence,
                    settings=self._agents.settings,
                )
                latest = records[-1].transcript if records and not is_running else ()
                timer = gr.update(active=bool(page.waiting) and not is_running)
                times = [(turn.asked_at, turn.answered_at) for turn in records if is_asked(turn)]
                first, rated = rated is None, gr.skip()
                if first or not is_running:
                    rated = await ratings(page, records, is_running)
                box = busy() if is_running and not page.is_talking else idle()
                yield messages, box, self._cards(latest), timer, rated, times
                if is_running:
                    await wait_until_sent(request)
        if why:
            inform(why.text)
            box = idle() | ({"value": unsent} if unsent else {})
            yield gr.skip(), box, gr.skip(), gr.skip(), gr.skip(), gr.skip()

    async def look_for_result(self, page: PageState) -> Any:
        """Have the page show the result of a long-running tool, once another program brings it."""
        with suppress(StoreUnavailable):  # It is looked for again.
            return refresh_if(await page.has_result())
        return gr.skip()

    def _cards(self, transcript: Transcript) -> dict[str, Any]:
        return to_cards(transcript, self._agents.settings.reply_timeout)

    async def stop(self, page: PageState, asked: Any) -> None:
        """End the answer to that message; what was said stays, and is remembered."""
        await page.stop(parse_question(asked)["number"])

    async def undo(self, page: PageState) -> str:
        """Forget the last message, which the page takes back into the text box."""
        with show_errors():
            await page.undo()
        return page.session_id or ""

    async def chat(
        self, message: str, page: PageState | None, request: gr.Request
    ) -> AsyncIterator[tuple[str, PageState]]:
        """Ask the agent; its answer so far, again and again until it is whole."""
        page = page or PageState(self._agents.first, asker("", request))
        check_person(page, request)
        history = [ASKED] * len(page.screen.turn_ids)
        async with aclosing(self._respond(message, history, page, request)) as answers:
            async for _ in answers:
                if page.turn:
                    yield to_text(page.turn.transcript), page
                await wait_until_sent(request)
