"""A streaming chat page for an ADK agent.

Run it:  python app.py [path/to/agent]     and open http://127.0.0.1:7860
"""

# ruff: noqa: E402
import gc

gc.disable()  # To look for garbage while everything is imported takes a fifth of the start.

import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import gradio as gr

from agent.page.chat_interface import ChatPage
from agent.page.loading import load_agents
from agent.page.page_state import PageState
from agent.page.protocol import address
from agent.render.messages import Message, to_messages
from agent.server import serve_until_end

gc.enable()

agents = load_agents(sys.argv[1:] if __name__ == "__main__" else [])


async def respond(
    message: str | Mapping[str, Any],
    history: list[dict[str, Any]],
    session: PageState | None,
    request: gr.Request,
) -> AsyncGenerator[tuple[list[Message], PageState], None]:
    """Answer a message: the accumulated text of ADK's events, again and again as it grows.

    It works in any `gr.ChatInterface` that keeps the session in a `gr.State`: as its only
    additional input, and its only additional output.
    """
    session = session or PageState(agents.first)
    above = sum(earlier["role"] == "user" for earlier in history)
    turn = session.ask(message, above, address(request))
    async for transcript in session.follow(turn):
        agent_name, foot = session.registry.agent_name, session.foot(turn)
        yield to_messages(transcript, turn.silence, agent_name, foot=foot), session


demo = ChatPage(respond, agents)

if __name__ == "__main__":
    serve_until_end(demo, agents)
