"""The app within the test's own process: an agent with a model, a conversation with it, a page."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google.adk.agents import Agent
from google.adk.apps import App
from google.adk.apps.app import EventsCompactionConfig
from google.adk.artifacts import InMemoryArtifactService
from google.adk.models import BaseLlm
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.workflow import BaseNode

from agent.chat.agent_tree import llm_agents
from agent.chat.agents import Agents
from agent.chat.compaction import with_compaction
from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent, with_plugins
from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.question import Question, Screen
from agent.core.settings import Settings
from agent.core.transcript import Text, ToolCall, Transcript
from agent.core.transcript import notices as notices
from agent.stores.credentials import VisitorCredentials
from agent.stores.memory import VisitorMemory
from tests.support.app_process import free_port

# For tests of other things than limits, and than the line below each answer.
UNLIMITED: dict[str, Any] = {
    **dict.fromkeys(("visitor_per_minute", "visitor_per_day"), 0),
    **dict.fromkeys(("address_per_minute", "address_per_day", "address_running"), 0),
    **dict.fromkeys(("address_connections", "address_uploads_per_day"), 0),
    **dict.fromkeys(("visitor_uploads_per_day", "daily_uploads"), 0),
    **dict.fromkeys(("daily_turns", "daily_tokens", "max_chat_turns", "max_message_length"), 0),
    "show_figures": False,
}

GEMINI = "gemini-3.5-flash"


def loaded(
    model: str | BaseLlm = GEMINI,
    max_output_tokens: int = 0,
    compaction: EventsCompactionConfig | None = None,
    offline_fallback: bool = False,
    **agent: Any,
) -> LoadedAgent:
    """An agent with this model, as `load` would give it."""
    agent = {"name": "helper", "model": model, "description": "Helps.", **agent}
    return loaded_root(Agent(**agent), max_output_tokens, compaction, offline_fallback)


def loaded_root(
    root: BaseNode,
    max_output_tokens: int = 0,
    compaction: EventsCompactionConfig | None = None,
    offline_fallback: bool = False,
) -> LoadedAgent:
    """Any agent or workflow, as `load` would give it."""
    settings = Settings(max_output_tokens=max_output_tokens, offline_fallback=offline_fallback)
    app = App.model_construct(
        name="test",
        root_agent=root,
        plugins=with_plugins([], settings),
        events_compaction_config=compaction,
    )
    runner = Runner(
        app_name="test",
        app=with_compaction(app, list(llm_agents(root))),
        session_service=InMemorySessionService(),
        artifact_service=InMemoryArtifactService(),
        memory_service=VisitorMemory(),
        credential_service=VisitorCredentials(),
    )
    return LoadedAgent(runner, "Helper", "Helps.", ("Hello",), is_offline=False)


def conversation(
    model: str | BaseLlm = GEMINI, /, agent: Any = None, **settings: Any
) -> Conversation:
    """A conversation with such an agent."""
    return Conversation(loaded(model, **(agent or {})).runner, Settings(**settings))


def registry(model: str | BaseLlm = GEMINI, /, agent: Any = None, **settings: Any) -> Registry:
    """All conversations of an app with such an agent, under these limits and no others."""
    return Registry(loaded(model, **(agent or {})), Settings(**{**UNLIMITED, **settings}))


def below(conversation: Conversation, kept: int | None, message: str, **more: Any) -> Question:
    """A message below the first `kept` turns of a page that shows the whole conversation."""
    ids = [turn.id for turn in conversation.turns]
    if (turn := conversation.turn) and not turn.over:
        ids.append(turn.id or "")
    return Question(message, kept, Screen(tuple(ids)), **more)


async def say(with_whom: Conversation, message: str, kept: int | None = None) -> Transcript:
    """One turn, to its end."""
    return await with_whom.ask(below(with_whom, kept, message)).finish()


def outline(entry: object) -> object:
    """What an entry of a transcript says: of a tool call its name, arguments and result."""
    match entry:
        case ToolCall():
            return entry.name, entry.args, entry.result
        case Text():
            return entry.text
    return entry


async def until(turn: Turn, text: str) -> None:
    """Wait until the turn has said `text`."""
    async for transcript in turn.watch():
        if any(text in getattr(entry, "text", "") for entry in transcript):
            return
    raise AssertionError(f"The turn ended without saying {text!r}: {turn.transcript}")


@contextmanager
def launched_app(
    what: LoadedAgent, options: Mapping[str, Any] | None = None, **settings: Any
) -> Iterator[Any]:
    """The FastAPI app of the page for this agent, launched with these options."""
    import app  # Here, because it imports Gradio, which most tests do without.
    from agent import server
    from agent.page.chat_interface import ChatPage

    agents = Agents(what, Settings(**{**UNLIMITED, **settings}))
    demo = ChatPage(app.respond, agents)
    here = {"prevent_thread_lock": True, "server_port": free_port()}
    served, _, _ = server.serve(demo, agents, **here, **(options or {}))
    try:
        yield served
    finally:
        demo.close()


def url_of(served: Any) -> str:
    """The address of the page that is launched so."""
    return str(served.get_blocks().local_url)


@contextmanager
def launched(
    what: LoadedAgent, options: Mapping[str, Any] | None = None, **settings: Any
) -> Iterator[str]:
    """The page for this agent, served; its address."""
    with launched_app(what, options, **settings) as served:
        yield url_of(served)
