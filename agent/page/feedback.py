"""Thumbs below answers, and the form for what is written to them (static/feedback.js)."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from agent.chat.rating import rate, reasons
from agent.core.feedback import BAD, can_be_rated
from agent.core.history import TurnRecord
from agent.core.language import _
from agent.core.notices import Notice, PlainError
from agent.page.browser import js
from agent.page.controls import AT_ONCE, QUEUED
from agent.page.page_state import PageState
from agent.page.protocol import address
from agent.page.states import States
from agent.stores.fallback import StoreUnavailable


class FeedbackForm:
    """Made inside the page, where the host lets answers be rated.

    Args:
        states: The page's.
    """

    def __init__(self, states: States) -> None:
        self._states = states
        # What the browser sends, once `given` is submitted; and what comes back.
        opinion, reply = gr.JSON(visible=False), gr.JSON(visible=False)
        given = gr.HTML(visible="hidden", js_on_load="chatFeedback.watch(trigger)")
        every: dict[str, Any] = {**QUEUED, "trigger_mode": "multiple"}
        rated = given.submit(
            self.rate, [*states.who, opinion], reply, js=js("given", "chatFeedback"), **every
        )
        rated.failure(None, None, None, js=js("lost", "chatFeedback"), **AT_ONCE)
        reply.change(None, reply, None, js=js("take", "chatFeedback"), **AT_ONCE)
        states.ratings.change(None, states.ratings, None, js=js("show", "chatFeedback"), **AT_ONCE)

    async def rate(
        self,
        page: PageState | None,
        visitor: object,
        session_id: object,
        agent: object,
        given: Any,
        request: gr.Request,
    ) -> dict[str, Any]:
        """Keep what the visitor says of an answer. The reply says how it is rated then."""
        page = await self._states.find(page, visitor, session_id, agent, request)
        given = given if isinstance(given, dict) else {}
        reply = {"turn": str(given.get("turn")), "time": time.time()}
        try:
            if not page.session_id:
                raise PlainError("not_rated")
            conversation = await page.conversation()
            opinion = await rate(page.registry, conversation, given, address(request))
        except PlainError as error:
            return {**reply, "error": error.notice.text}
        is_written = "comment" in given
        said = "" if opinion.rating and not is_written else SAID[bool(opinion.rating)].text
        known = reasons(page.registry) if opinion.rating == BAD else ()
        choices = dict.fromkeys(filter(None, (*known, opinion.reason)))
        shown = {"reasons": list(choices), "labels": {choice: _(choice) for choice in choices}}
        return {**reply, **asdict(opinion), **shown, "said": said}


SAID = {True: Notice("rated"), False: Notice("rating_taken_back")}


async def ratings(page: PageState, records: Sequence[TurnRecord], is_running: bool) -> Any:
    """What the browser is told of the turns on the page: of each its id and how it is rated; of one
    that cannot be rated, neither."""
    if not page.registry.settings.feedback:
        return gr.skip()
    try:
        kept = await page.registry.feedback.of_chat(page.user_id, str(page.session_id))
    except StoreUnavailable:
        kept = {}
    over = records[:-1] if is_running else records
    turns = [
        [record.id, kept[record.id].opinion.rating if record.id in kept else ""]
        if can_be_rated(record.id, record.transcript)
        else ["", ""]
        for record in over
    ]
    return {"turns": turns, "time": time.time()}
