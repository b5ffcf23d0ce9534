"""The panel that shows how the last answer came, and that asks the same with streaming off.

The browser asks for what it shows only while the panel is open (static/stream.js): an answer sends
nothing of it along.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import gradio as gr

from agent.chat.comparison import asked_again, can_be_asked_again
from agent.chat.turn import Turn
from agent.core.choices import options_of
from agent.core.history import TurnRecord
from agent.core.language import N_, _
from agent.core.stream_record import EventRow
from agent.core.transcript import notices
from agent.core.visitor import Visitor
from agent.page.browser import js
from agent.page.controls import AT_ONCE, QUEUED
from agent.page.page_state import PageState
from agent.page.protocol import address, parse_choices, wait_until_sent
from agent.page.states import States
from agent.stores.fallback import StoreUnavailable

# Seconds between two signs that the second answer is on its way: at each Gradio sees a closed tab.
PROGRESS_INTERVAL = 1.0

# What is said of a second answer that comes to no end.
WAITS = N_("The agent asks for something there, so the second answer ends here.")

# Why a question is not asked once more.
NEEDS_SOMEBODY = N_(
    "This question is not asked again here, because its answer needed somebody's approval or reply."
)
HAS_FILES = N_("This question is not asked again here, because files were sent with it.")


class StreamPanel:
    """Made inside the page. It is empty while it is closed.

    Args:
        states: The page's.
        changes: Events after which another answer is the last one.
    """

    def __init__(self, states: States, changes: Sequence[Callable[..., Any]]) -> None:
        self._states = states
        # What it fires is named in static/stream.js: "expand" asks for the last answer, "click" for
        # the comparison, "stop" for that one's end.
        place = gr.HTML(elem_id="stream", js_on_load="chatStream.watch(element, trigger)")
        reply = gr.JSON(visible=False)
        who = states.who
        place.expand(states.with_page_state(look), who, reply, **AT_ONCE)
        # On the key that the browser has, if any: with what it says to a question.
        given, choices = [states.asked, *who], js("withChoices", "chatSettings")
        asked = place.click(self.compare, given, reply, js=choices, preprocess=False, **QUEUED)
        asked.failure(None, None, None, js=js("unlock", "chatStream"), **AT_ONCE)
        place.stop(states.with_page_state(stop), who, None, **AT_ONCE)
        reply.change(None, reply, None, js=js("show", "chatStream"), **AT_ONCE)
        for change in changes:
            change(None, None, None, js=js("look", "chatStream"), **AT_ONCE)

    async def compare(
        self,
        asked: Any,
        page: PageState | None,
        visitor: str,
        session_id: str,
        agent: str,
        request: gr.Request,
    ) -> AsyncIterator[dict[str, Any]]:
        """Ask the last question once more, the other way; how that answer came in the end."""
        page = await self._states.find(page, visitor, session_id, agent, request)
        turn, turns = await latest(page)
        if turn is None or not is_last(turn, turns) or why_not(turn, turns):
            yield await look(page)
            return
        about = {"of": turn.id}
        key = parse_choices(asked if isinstance(asked, dict) else {}).get("key")
        who = Visitor(page.user_id, address(request), key)
        streaming = not turn.record.is_streamed
        options = replace(options_of(turn.usage.chosen), streaming=streaming)
        async with asked_again(page.registry, turns, who, options) as again:
            page.comparison, told_at = (turn.id, again), -PROGRESS_INTERVAL
            try:
                async with aclosing(again.watch()) as transcripts:
                    async for _said in transcripts:
                        if again.elapsed - told_at >= PROGRESS_INTERVAL and not again.over:
                            told_at = again.elapsed
                            yield {"kind": "running", "seconds": round(told_at), **about}
                            await wait_until_sent(request)
            finally:
                page.comparison = None
            # Of one that was refused its own record does not say what was asked for.
            came = {**to_json(again), "isStreamed": streaming}
            yield {"kind": "comparison", "comparison": came, **about}


async def look(page: PageState) -> dict[str, Any]:
    """How the last answer on the page came. A comparison with one before that is ended."""
    turn, turns = await latest(page)
    if page.comparison and page.comparison[0] != (turn and turn.id):
        await stop(page)
    answer = None
    if turn:
        reason = why_not(turn, turns)
        can_ask = is_last(turn, turns) and not reason
        answer = {**to_json(turn), "canAsk": can_ask, "whyNot": reason}
    return {"kind": "answer", "time": time.time(), "answer": answer}


async def stop(page: PageState) -> None:
    """End the second answer."""
    if page.comparison:
        page.comparison[1].stop()


async def latest(page: PageState) -> tuple[Turn | None, list[TurnRecord]]:
    """The last turn on the page, as far as this process has run it, and all turns of its chat."""
    active = None
    if page.session_id:
        with suppress(StoreUnavailable):
            active = await page.registry.find(page.user_id, page.session_id)
    conversation = active.conversation if active else None
    turn = page.turn or (conversation.turn if conversation else None)
    is_shown = bool(turn and page.screen.turn_ids[-1:] == (turn.id,))
    if turn is None or not is_shown or not turn.record.events:
        return None, []
    return turn, conversation.turns if conversation else []


def is_last(turn: Turn, turns: Sequence[TurnRecord]) -> bool:
    """Whether a turn is over, and the last one that is remembered."""
    return turn.over and bool(turns) and turns[-1].id == turn.id


def why_not(turn: Turn, turns: Sequence[TurnRecord]) -> str:
    """A sentence that says why a turn's question is not asked once more; "" where it can be."""
    if not can_be_asked_again(turn.transcript):
        return _(NEEDS_SOMEBODY)
    return _(HAS_FILES) if turns and turns[-1].files else ""


def to_json(turn: Turn) -> dict[str, Any]:
    """How an answer came, as static/stream.js shows it."""
    record = turn.record
    is_from_model = record.has_all_chunks(turn.spent.calls + turn.spent.free_calls)
    arrivals = record.chunks if is_from_model else record.texts
    seconds = turn.elapsed if record.seconds is None else record.seconds
    return {
        "of": turn.id,
        "isOver": turn.over,
        "isStreamed": record.is_streamed,
        "isFromModel": is_from_model,
        "seconds": round(seconds, 3),
        "chunks": [[round(at, 3), size, int(thought)] for at, size, thought in arrivals],
        "leftOut": arrivals.left_out,
        "firstText": _rounded(arrivals.first_text),
        "longestGap": _rounded(arrivals.longest_gap),
        **{
            name: {"count": arrivals.count(kind), "characters": arrivals.characters(kind)}
            for name, kind in (("text", False), ("thoughts", True))
        },
        "events": [_event(row) for row in record.events],
        "eventsLeftOut": record.events_left_out,
        "notes": [*notices(turn.transcript), *([_(WAITS)] if turn.is_waiting else [])],
    }


def _event(row: EventRow) -> list[Any]:
    state = _("partial") if row.is_partial else _("final")
    kinds = ", ".join(map(_, row.kinds)) or _("nothing")
    tokens = row.tokens_in, row.tokens_out
    return [round(row.at, 3), row.author, state, kinds, row.characters, *tokens]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
