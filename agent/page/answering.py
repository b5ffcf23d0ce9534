"""What answers on a page that is made for any agent (`launch` in agent/server.py): `respond` of
app.py, whose own agent is another."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import gradio as gr

from agent.chat.agents import Agents
from agent.page.handlers import Respond
from agent.page.page_state import PageState
from agent.page.protocol import address
from agent.render.messages import Message, to_messages


def respond_with(agents: Agents) -> Respond:
    """The function of a ChatInterface that answers with these agents."""

    async def respond(
        message: str | Mapping[str, Any],
        history: list[dict[str, Any]],
        session: PageState | None,
        request: gr.Request,
    ) -> AsyncGenerator[tuple[list[Message], PageState], None]:
        """Answer a message: what `respond` of app.py does, with these agents."""
        session = session or PageState(agents.first)
        above = sum(earlier["role"] == "user" for earlier in history)
        turn = session.ask(message, above, address(request))
        async for transcript in session.follow(turn):
            agent_name, foot = session.registry.agent_name, session.foot(turn)
            yield to_messages(transcript, turn.silence, agent_name, foot=foot), session

    return respond
