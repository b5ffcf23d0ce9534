"""A page that tells what it still holds: a line of JSON for each line on its standard input."""

import gc
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.sessions import Session
from google.genai import types
from gradio.state_holder import SessionState

import app
from agent import server
from agent.chat.agents import Agents
from agent.chat.conversation import Conversation
from agent.chat.registry import ActiveConversation
from agent.chat.streams import DeltaLog
from agent.chat.turn import Turn
from agent.core.settings import Settings
from agent.page.chat_interface import ChatPage
from agent.page.page_state import PageState
from agent.stores.cleanup import InMemoryStore
from tests.support.app_process import free_port
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import USAGE

KINDS = {
    kind: kind.__name__
    for kind in (Conversation, Turn, ActiveConversation, DeltaLog, PageState, Session)
}


class Quick(BaseLlm):
    """As many x as the message wants."""

    model: str = "quick"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """One partial, and the whole."""
        asked = (llm_request.contents[-1].parts or [])[0].text or ""
        whole = types.ModelContent("x" * int(asked))
        if stream:
            yield LlmResponse(content=whole, partial=True)
        yield LlmResponse(content=whole, usage_metadata=USAGE)


def held(demo: Any, store: InMemoryStore) -> dict[str, int]:
    """How many there are of what one visit may leave, and the bytes that the process takes."""
    gc.collect()
    objects = Counter(
        KINDS[type(tracked)] for tracked in gc.get_objects() if type(tracked) in KINDS
    )
    pages = sum(isinstance(tracked, SessionState) for tracked in gc.get_objects())
    queue = demo._queue
    gradios = {"page": pages, "run": len(queue.pending_event_ids_session)}
    told = {"told": len(queue.pending_messages_per_session), "users": len(store.sessions["test"])}
    pages_of_memory = Path("/proc/self/statm").read_text().split()[1]
    return {**objects, **gradios, **told, "bytes": int(pages_of_memory) * 4096}


def main(**settings: Any) -> None:
    """Serve until standard input ends."""
    what, store = loaded(Quick()), InMemoryStore()
    what.runner.session_service = store
    agents = Agents(what, Settings(**{**UNLIMITED, **settings}))
    demo = ChatPage(app.respond, agents)
    _, url, _ = server.serve(demo, agents, prevent_thread_lock=True, server_port=free_port())
    print(f"Running on {url}", flush=True)  # noqa: T201
    for _ in sys.stdin:
        print(json.dumps(held(demo, store)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
