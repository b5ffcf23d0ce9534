"""How a talk is run: from the limits to what is stored. `Conversation.talk` begins one."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing, nullcontext
from dataclasses import replace
from functools import partial

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.agents.run_config import RunConfig, StreamingMode, ToolThreadPoolConfig
from google.adk.errors import StaleSessionError
from google.adk.plugins import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types

from agent.chat import pauses
from agent.chat.live import LiveTurn
from agent.chat.measures import running_turn
from agent.chat.run_context import enter
from agent.chat.session_sync import SessionSync
from agent.chat.turn import Turn
from agent.core.adk_internals import telemetry_options
from agent.core.history import (
    NAME,
    TITLE,
    TurnRecord,
    as_talk,
    latest_since,
    short_title,
    title_event,
)
from agent.core.language import _, language
from agent.core.notices import PlainError
from agent.core.question import Options, Question
from agent.core.said import Said
from agent.core.settings import Settings
from agent.core.talk import begin_event, words_of
from agent.core.transcript import Text, ToolCall
from agent.core.visitor import Visitor
from agent.limits.rate_limits import Limits

# Where an agent's tools and its instruction find the language of the visitor's page, as in a turn
# (agent/chat/conversation.py).
LANGUAGE = "temp:language"


class Talk:
    """The run of one talk.

    Args:
        runner: Runs the agent.
        session: What was said before; what is said now is stored there.
        settings: The host's.
        limits: What the visitor may do; whatever there is, without.
        count_tokens: Counts what the talk has spent since the last time.
        seal: Stores what was shown, and ADK has not stored.
    """

    def __init__(
        self,
        runner: Runner,
        session: SessionSync,
        settings: Settings,
        limits: Limits | None,
        count_tokens: Callable[[], Awaitable[None]],
        seal: Callable[[], Awaitable[None]],
    ) -> None:
        self._runner, self._session, self._settings = runner, session, settings
        self._limits, self._count_tokens, self._seal = limits, count_tokens, seal
        # Whether the chat is to be called by what is said first.
        self._names = False

    async def run(self, turn: LiveTurn, visitor: Visitor) -> None:
        """Hold the talk, to its end.

        Raises:
            PlainError: if it cannot be held, or not now.
        """
        if not (self._settings.live and isinstance(self._runner.agent, LlmAgent)):
            raise PlainError("no_talk")
        limits, user_id = self._limits, visitor.user_id or self._session.key.user_id
        asked = user_id, visitor.address, "", len(self._session.turns)
        line = limits.talking(user_id) if limits else nullcontext()
        admitted = limits.admit(*asked, turn.is_stopping) if limits else nullcontext()
        with line:
            async with admitted:
                if limits:
                    turn.admit = partial(limits.admit_words, user_id, visitor.address)
                    is_on_own_key = turn.spent.is_on_own_key
                    if reason := await limits.why_offline(is_on_own_key=is_on_own_key):
                        turn.spent.is_offline = True
                        turn.add_notice(reason)
                await self._run(turn)
        if turn.id:
            await self._keep(turn)

    async def _run(self, turn: LiveTurn) -> None:
        session, settings = self._session, self._settings
        if session.is_stored:
            turn.changes_earlier = await pauses.close_all(session)
        else:
            await session.create()
        self._names = not session.title
        session.title = session.title or short_title(_("Talk"))
        turn.spent.is_talk = True
        turn.agent_name = self._runner.agent.name
        turn.line.live_model = settings.live_model
        turn.begin_state = {LANGUAGE: language(), TITLE: session.title, NAME: session.name}
        enter(turn, session.key.user_id, settings, Options())
        await turn.run(self._events(turn), session.invocations)
        await self._count_tokens()

    async def _keep(self, turn: LiveTurn) -> None:
        """Store what ADK has not, but for a talk in which nobody has said anything: nothing is kept
        of that."""
        session = self._session
        if isinstance(turn.failure, StaleSessionError):
            return  # Somebody else is writing.
        stored = await session.read()
        own = [e for e in (stored.events if stored else ()) if e.invocation_id == turn.id]
        turn.know_stored([words_of(event) for event in own])
        record = turn.measured(record_of(turn, Question()))
        session.record(record)
        if has_words(turn):
            await self._seal()
            if self._names and (title := short_title(record.question)):
                session.title = title
                await session.append(title_event(record.invocation_id, title))
        else:
            await session.cut(len(session.turns) - 1)
            if not session.turns:
                await session.delete()

    async def _events(self, turn: LiveTurn) -> None:
        session = self._session
        since = latest_since(session.turns, self._settings.history_events)
        events = self._runner.run_live(
            user_id=session.key.user_id,
            session_id=session.key.session_id,
            live_request_queue=turn.queue,
            run_config=live_run_config(self._settings, turn, since),
        )
        async with aclosing(events):
            async for event in events:
                if event.actions.artifact_delta:
                    await session.artifacts.look_up([event])
                turn.add(event, session.artifacts.described)
                if event.usage_metadata:
                    await self._count_tokens()
                    if turn.spent.is_budget_spent:
                        turn.stop(PlainError("budget_ran_out"))


def record_of(turn: Turn, question: Question) -> TurnRecord:
    """A turn as its session has it; a talk's question is what was said in it first."""
    files = tuple(question.files)
    record = TurnRecord(turn.id or "", question.text, turn.transcript, files, events=turn.events)
    record = replace(record, asked_at=turn.asked_at, changes_user=turn.changes_user)
    return as_talk(record) if isinstance(turn, LiveTurn) else record


def has_words(turn: LiveTurn) -> bool:
    """Whether anything has come of the talk."""
    return any(isinstance(entry, Said | Text | ToolCall) for entry in turn.transcript)


def live_run_config(settings: Settings, turn: LiveTurn, since: float | None) -> RunConfig:
    """ADK's configuration of a talk.

    Args:
        settings: The host's.
        turn: The talk.
        since: The model is told what was stored since then, in seconds since 1970; None for
            nothing.
    """
    options = turn.options
    if since is None:
        window = GetSessionConfig(num_recent_events=0)
    else:
        window = GetSessionConfig(after_timestamp=since)
    detection = types.AutomaticActivityDetection(disabled=True)
    by_hand = types.RealtimeInputConfig(automatic_activity_detection=detection)
    modality = types.Modality.AUDIO if options.has_voice else types.Modality.TEXT
    return RunConfig(
        streaming_mode=StreamingMode.BIDI,
        response_modalities=[modality],
        realtime_input_config=by_hand if options.push_to_talk else None,
        # Without it a line that is lost cannot go on where it was.
        session_resumption=types.SessionResumptionConfig(),
        tool_thread_pool_config=ToolThreadPoolConfig(max_workers=settings.tool_threads),
        get_session_config=window,
        **telemetry_options(),
    )


class TalkBegin(BasePlugin):
    """An ADK plugin that stores how a talk begins, and takes over its session while it lasts."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_talk_begin")

    async def before_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Store the event that a talk begins with, under its invocation."""
        turn, session = running_turn.get(None), invocation_context.session
        if not isinstance(turn, LiveTurn) or session.id != turn.session_id:
            return
        said = [each for each in session.events if each.content or each.input_transcription]
        last = said[-1] if said else None
        is_unanswered = bool(last and (last.author == "user" or last.get_function_responses()))
        id, agent = invocation_context.invocation_id, turn.agent_name
        event = begin_event(id, agent, is_unanswered, turn.begin_state)
        turn.id, turn.asked_at, turn.events = id, event.timestamp, 1
        turn.store = partial(invocation_context.session_service.append_event, session)
        await turn.store(event)
