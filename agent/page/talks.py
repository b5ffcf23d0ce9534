"""Talks on the page: the button beside Send, and what of the page changes while one runs.

The browser holds the talk over a socket of its own (agent/api/page_talk.py, talk_panel.js in
static/later). What is said grows in the chat as any answer does that runs when a page is opened.
"""

import time
from typing import Any

import gradio as gr
from google.adk.agents import LlmAgent

from agent.chat.agents import Agents
from agent.chat.live import LiveTurn
from agent.chat.talk_tickets import Ticket
from agent.page.browser import js
from agent.page.controls import AT_ONCE, QUEUED, refresh_if, show_errors
from agent.page.page_state import PageState
from agent.page.protocol import parse_wish
from agent.page.states import States


class Talks:
    """Made inside the page, where the host allows talks.

    Args:
        states: The page's.
    """

    def __init__(self, states: States) -> None:
        self._agents = states.agents
        # What comes with its "submit" is named in static/talk_panel.js.
        place = gr.HTML(visible="hidden", js_on_load="chatVoice.offerTalk(trigger)")
        reply = gr.JSON(visible=False)
        shown = [states.page, states.visitor, states.session_id, states.refresh, reply]
        step = states.with_event(self.step)
        done = place.submit(step, states.who, shown, **{**QUEUED, "trigger_mode": "multiple"})
        # A new chat is called by what is said in it first.
        done.success(None, None, None, js=js("look", "chatList"), **AT_ONCE)
        reply.change(None, reply, None, js=js("takeTicket", "chatVoice"), **AT_ONCE)

    async def step(self, page: PageState, event: gr.EventData) -> tuple[Any, ...]:
        """Give the page a ticket for a talk in its chat; or show what is said there, or has been.

        Its kinds: "ticket", "begun" and "ended".
        """
        kind = parse_wish(event).kind
        with show_errors():
            conversation = await page.conversation()
        if kind == "ticket":
            agent = self._agents.name_of(page.registry)
            ticket = Ticket(agent, conversation.key, page.person_id)
            reply = {"ticket": self._agents.talk_tickets.give(ticket), "time": time.time()}
            return page, gr.skip(), gr.skip(), gr.skip(), reply
        running = conversation.turn if conversation.is_running else None
        page.talk = running if isinstance(running, LiveTurn) else None
        is_there = bool(conversation.turns or page.talk)
        who = gr.skip() if page.person_id else page.user_id
        place = conversation.key.session_id if is_there else ""
        return page, who, place, refresh_if(True), gr.skip()


def are_offered(agents: Agents) -> bool:
    """Whether the page has a button for talks: there may be an agent that can hold one."""
    can = isinstance(agents.first.loaded.runner.agent, LlmAgent)
    return agents.settings.live and (agents.are_several or can)
