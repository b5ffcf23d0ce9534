"""How a talk is run: from the limits to what is stored. `Conversation.talk` begins one."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
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
from agent.chat.admission import count_on_key
from agent.chat.live import LiveTurn
from agent.chat.measures import running_turn
from agent.chat.run_config import begin_state
from agent.chat.run_context import enter
from agent.chat.session_sync import SessionSync
from agent.chat.turn_record import record_of
from agent.core.adk_internals import telemetry_options
from agent.core.history import latest_since, short_title, title_event
from agent.core.language import _
from agent.core.notices import PlainError
from agent.core.question import Options, Question
from agent.core.said import Said
from agent.core.settings import Settings
from agent.core.talk import begin_event, words_of
from agent.core.transcript import Text, ToolCall
from agent.core.visitor import Visitor
from agent.limits.rate_limits import Limits


class Talk:
    """The run of one talk.

    Args:
        runner: Runs the agent.
        sync: What is known of the session, where what is said is stored.
        settings: The host's.
        limits: What the visitor may do; without them, everything.
        count_tokens: Counts what the talk has spent since the last time.
        seal: Stores what was shown and ADK has not stored.
    """

    def __init__(
        self,
        runner: Runner,
        sync: SessionSync,
        settings: Settings,
        limits: Limits | None,
        count_tokens: Callable[[], Awaitable[None]],
        seal: Callable[[], Awaitable[None]],
    ) -> None:
        self._runner, self._sync, self._settings = runner, sync, settings
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
        limits, user_id = self._limits, visitor.user_id or self._sync.key.user_id
        async with AsyncExitStack() as stack:
            if limits:
                stack.enter_context(limits.talking(user_id))
                admitted = limits.admit(
                    user_id,
                    visitor.address,
                    message="",
                    turns=len(self._sync.turns),
                    is_stopping=turn.is_stopping,
                )
                await stack.enter_async_context(admitted)
                turn.admit = partial(limits.admit_words, user_id, visitor.address)
                await count_on_key(turn, limits)
            await self._run(turn)
        if turn.id:
            await self._keep(turn)

    async def _run(self, turn: LiveTurn) -> None:
        sync, settings = self._sync, self._settings
        if sync.is_stored:
            turn.changes_earlier = await pauses.close_all(sync)
        else:
            await sync.create()
        self._names = not sync.title
        sync.title = sync.title or short_title(_("Talk"))
        turn.spent.is_talk = True
        turn.agent_name = self._runner.agent.name
        turn.line.live_model = settings.live_model
        turn.begin_state = begin_state(sync)
        enter(turn, sync.key.user_id, settings, Options())
        await turn.run(self._pass_events(turn), sync.invocations)
        await self._count_tokens()

    async def _keep(self, turn: LiveTurn) -> None:
        """Store what ADK has not, but for a talk in which nobody has said anything: nothing is kept
        of that."""
        sync = self._sync
        if isinstance(turn.failure, StaleSessionError):
            return  # Somebody else is writing.
        stored = await sync.read()
        own = [e for e in (stored.events if stored else ()) if e.invocation_id == turn.id]
        turn.know_stored([words_of(event) for event in own])
        record = turn.measured(record_of(turn, Question()))
        sync.keep(record)
        if has_words(turn):
            await self._seal()
            if self._names and (title := short_title(record.question)):
                sync.title = title
                await sync.append(title_event(record.invocation_id, title))
        else:
            await sync.cut(len(sync.turns) - 1)
            if not sync.turns:
                await sync.delete()

    async def _pass_events(self, turn: LiveTurn) -> None:
        """Run the agent, and give ADK's events to the talk as they come."""
        sync = self._sync
        since = latest_since(sync.turns, self._settings.history_events)
        events = self._runner.run_live(
            user_id=sync.key.user_id,
            session_id=sync.key.session_id,
            live_request_queue=turn.queue,
            run_config=live_run_config(self._settings, turn, since),
        )
        async with aclosing(events):
            async for event in events:
                if event.actions.artifact_delta:
                    await sync.artifacts.look_up([event])
                turn.add(event, sync.artifacts.described)
                if event.usage_metadata:
                    await self._count_tokens()
                    if turn.spent.is_budget_spent:
                        turn.stop(PlainError("budget_ran_out"))


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
        with_words = [e for e in session.events if e.content or e.input_transcription]
        last = with_words[-1] if with_words else None
        is_unanswered = bool(last and (last.author == "user" or last.get_function_responses()))
        id, agent = invocation_context.invocation_id, turn.agent_name
        event = begin_event(id, agent, is_unanswered, turn.begin_state)
        turn.id, turn.asked_at, turn.events = id, event.timestamp, 1
        turn.store = partial(invocation_context.session_service.append_event, session)
        await turn.store(event)
