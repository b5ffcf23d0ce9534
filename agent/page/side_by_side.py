"""Where a visitor puts one question to two settings, and says which answer is better
(static/sides.js, static/later/sides_panel.js).

Both are asked at the same time; while they are written the browser is told of both together.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import gradio as gr

from agent.chat.agents import Agents
from agent.chat.loader import to_title
from agent.chat.registry import Registry
from agent.chat.side_by_side import SideBySide, asked_of_both
from agent.core.choices import allowed, of_page
from agent.core.files import File
from agent.core.language import _
from agent.core.notices import Notice, PlainError
from agent.core.settings import Settings
from agent.core.sides import Side, chosen_of
from agent.core.transcript import Transcript
from agent.core.visitor import Visitor
from agent.page.browser import js
from agent.page.controls import AT_ONCE, QUEUED
from agent.page.page_state import PageState
from agent.page.protocol import MAX_NUMBER, address, parse_choices, wait_until_sent
from agent.page.settings_panel import NOTHING, offered
from agent.page.states import States
from agent.page.stream_panel import WAITS
from agent.render.export import to_answer
from agent.render.foot import foot_of
from agent.render.preferences import labels, to_told
from agent.stores.fallback import StoreUnavailable


class SidesPanel:
    """Made inside the page, where the host offers it. The browser loads it when it is opened.

    Args:
        states: The page's.
    """

    def __init__(self, states: States) -> None:
        self._states = states
        # What it fires is named in these: "expand" asks for what can be chosen, "submit"
        # asks the question, "stop" ends both answers, "select" says which is better.
        # Gradio takes a string alone: one call by name. sides.js is there where `config_for` has
        # put it into the page's <head>; the name alone would be an error without.
        place = gr.HTML(elem_id="sides", js_on_load="globalThis.chatSides?.watch(element, trigger)")
        reply, given = gr.JSON(visible=False), [states.asked, *states.who]
        place.expand(states.with_page_state(self.look), states.who, reply, **AT_ONCE)
        every: dict[str, Any] = {"preprocess": False, **QUEUED}
        asked = place.submit(self.ask, given, reply, js=js("question", "chatSides"), **every)
        place.stop(states.with_page_state(stop), states.who, None, **AT_ONCE)
        chosen = place.select(self.choose, given, reply, js=js("choice", "chatSides"), **every)
        for step in (asked, chosen):
            step.failure(None, None, None, js=js("unlock", "chatSides"), **AT_ONCE)
        reply.change(None, reply, None, js=js("show", "chatSides"), **AT_ONCE)

    async def look(self, page: PageState) -> dict[str, Any]:
        """What can be chosen with the page's agent, and what the visitor has found so far."""
        registry, agents = page.registry, self._states.agents
        known = offered(registry.loaded, registry.settings)
        fields = {name: about for name, about in known["fields"].items() if name != "instruction"}
        who = list(_who(registry, agents))
        note = known["note"] if fields or len(who) == 1 else ""
        note = note or (_(NOTHING) if not fields and len(who) == 1 else "")
        offer = {"kind": "offer", "fields": fields, "who": who, "note": note}
        return {**offer, "results": await _results(page), "time": time.time()}

    async def ask(
        self,
        asked: Any,
        page: PageState | None,
        visitor: str,
        session_id: str,
        agent: str,
        request: gr.Request,
    ) -> AsyncIterator[dict[str, Any]]:
        """Ask both; the answers as they grow, and as they are in the end."""
        page = await self._states.find(page, visitor, session_id, agent, request)
        asked = asked if isinstance(asked, dict) else {}
        await stop(page)
        given = asked.get("sides")
        # Two settings, however many were sent.
        two = [*(given if isinstance(given, list) else []), None, None][:2]
        pairs = [await self._side(page, sent) for sent in two]
        registries, sides = [pair[0] for pair in pairs], (pairs[0][1], pairs[1][1])
        who = Visitor(page.user_id, address(request), parse_choices(asked).get("key"))
        text, is_blind = str(asked.get("text") or ""), asked.get("blind") is not False
        # By this number the browser knows which question a reply belongs to.
        about = {"number": parse_number(asked.get("number"))}
        try:
            if not text.strip():
                raise PlainError("no_message")
            async with asked_of_both(registries, text, sides, who, is_blind) as both:
                page.both = both
                async with aclosing(both.watch()) as looks:
                    async for _look in looks:
                        yield about | await asyncio.to_thread(to_json, both, registries)
                        await wait_until_sent(request)
        except PlainError as error:
            yield about | _refused(error.notice)

    async def choose(
        self,
        given: Any,
        page: PageState | None,
        visitor: str,
        session_id: str,
        agent: str,
        request: gr.Request,
    ) -> dict[str, Any]:
        """Keep which answer the visitor finds better; which is whose then."""
        page = await self._states.find(page, visitor, session_id, agent, request)
        given, both = given if isinstance(given, dict) else {}, page.both
        limits, user_id = page.registry.limits, page.user_id
        try:
            if both is None or both.id != given.get("id"):
                raise PlainError("sides_gone")
            await limits.admit_rating(user_id, address(request))
            place, reason = str(given.get("better")), str(given.get("reason") or "")
            chosen = both.choose(place, reason, user_id)
            try:
                await page.registry.preferences.keep(chosen)
            except StoreUnavailable:
                both.better = None
                raise
        except PlainError as error:
            return _refused(error.notice)
        reply = {"kind": "chosen", "better": place, **_names(both, page.registry.settings)}
        return {**reply, "results": await _results(page), "time": time.time()}

    async def _side(self, page: PageState, sent: object) -> tuple[Registry, Side]:
        """One of the two settings, within what the host allows; all else is nothing."""
        agents, given = self._states.agents, sent if isinstance(sent, dict) else {}
        name = given.get("agent")
        registry = await agents.get(name) if name in agents.names else page.registry
        variant = str(given.get("variant"))
        options = allowed(of_page(given.get("options")), registry.settings)
        return registry, Side(
            agents.name_of(registry),
            variant if variant in registry.loaded.variants else "",
            chosen_of(options),
        )


def parse_number(sent: object) -> float:
    """A number of the browser's."""
    return sent if isinstance(sent, int | float) and abs(sent) <= MAX_NUMBER else 0


def _who(registry: Registry, agents: Agents) -> list[dict[str, str]]:
    """Who may answer: the page's agent, its variants, and the others on show."""
    own = agents.name_of(registry)
    others = [name for name in agents.names if name != own]
    return [
        {"agent": own, "variant": "", "name": registry.loaded.title},
        *({"agent": own, "variant": name, "name": name} for name in registry.loaded.variants),
        *({"agent": name, "variant": "", "name": to_title(name)} for name in others),
    ]


async def _results(page: PageState) -> list[dict[str, Any]]:
    try:
        found = await page.registry.preferences.of_visitor(page.user_id)
    except StoreUnavailable:
        return []
    return await asyncio.to_thread(to_told, found)


async def stop(page: PageState) -> None:
    """End both answers."""
    if page.both:
        page.both.stop()


def _refused(notice: Notice) -> dict[str, Any]:
    is_same = notice.code == "same_sides"  # The settings are to be changed.
    return {"kind": "refused", "text": notice.text, "isSame": is_same, "time": time.time()}


def to_json(both: SideBySide, registries: Sequence[Registry]) -> dict[str, Any]:
    """Both answers, in the order in which they stand."""
    why_not = Notice("nothing_to_compare").text if both.is_over and not both.can_choose else ""
    return {
        "kind": "answers",
        "id": both.id,
        "isOver": both.is_over,
        "isBlind": both.is_blind,
        "canChoose": both.can_choose,
        "whyNot": why_not,
        "answers": [_answer(both, number, registries[number].agent_name) for number in both.order],
        **_names(both, registries[0].settings),
    }


def _answer(both: SideBySide, number: int, agent_name: str) -> dict[str, Any]:
    """HTML of an answer. A picture comes when it is over: all would be sent again and again."""
    turn = both.turns[number]
    shown: Transcript = turn.transcript
    if not turn.over:
        shown = tuple(entry for entry in shown if not isinstance(entry, File))
    note = _(WAITS) if turn.is_waiting else ""
    return {"html": to_answer(shown, agent_name), "isOver": turn.over, "note": note}


def _names(both: SideBySide, settings: Settings) -> dict[str, Any]:
    """Which answer is whose, and what each has taken; nothing of it as long as it is not told."""
    if not both.is_told:
        return {"names": None, "figures": None}
    names = labels(both.sides)
    about = settings.model_copy(update={"show_figures": True})
    records = [both.record(number) for number in both.order]
    return {
        "names": [names[number] for number in both.order],
        "figures": [foot_of(record, about) if both.is_over else "" for record in records],
    }
