"""How ADK is to run the agent in a turn, and what of the session's state is set as it begins."""

import math
from dataclasses import asdict
from typing import Any

from google.adk.agents.run_config import RunConfig, StreamingMode, ToolThreadPoolConfig
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types

from agent.chat.session_sync import SessionSync
from agent.core.adk_internals import telemetry_options
from agent.core.history import NAME, TITLE
from agent.core.language import language
from agent.core.question import Options
from agent.core.settings import Settings
from agent.limits.budget import MAX_FREE_CALLS

# Where in the session's state an agent's tools find the figures of so many turns before. ADK drops
# what begins with "temp:" at the end of a turn.
FIGURES, FIGURES_OF = "temp:stream_figures", 20

# Where an agent's tools and its instruction find the language of the visitor's page.
LANGUAGE = "temp:language"


def begin_state(sync: SessionSync) -> dict[str, Any]:
    """What is set as a turn or a talk begins. What the conversation is called is set each time,
    because a rewind takes that away too."""
    return {LANGUAGE: language(), TITLE: sync.title, NAME: sync.name}


def turn_state(sync: SessionSync) -> dict[str, Any]:
    """What is set as a turn begins: `begin_state`, and the figures of the turns before."""
    figures = [asdict(earlier.figures) for earlier in sync.turns[-FIGURES_OF:]]
    return {FIGURES: figures, **begin_state(sync)}


def streams(settings: Settings, options: Options) -> bool:
    """Whether models are to give their answers in pieces, or whole."""
    return settings.streaming == "sse" if options.streaming is None else options.streaming


def run_config(settings: Settings, options: Options, since: float | None) -> RunConfig:
    """ADK's configuration of one run.

    Args:
        settings: The host's.
        options: The question's.
        since: The model is shown the events stored since then, in seconds since 1970; None for
            none of them.
    """
    # What costs something is counted for the whole turn (agent/limits/budget.py).
    most = settings.max_llm_calls and max(settings.max_llm_calls, MAX_FREE_CALLS)
    if since is None:
        window = GetSessionConfig(num_recent_events=0)
    else:
        window = GetSessionConfig(after_timestamp=since)
    return RunConfig(
        streaming_mode=StreamingMode.SSE if streams(settings, options) else StreamingMode.NONE,
        max_llm_calls=most,
        http_options=types.HttpOptions(
            timeout=math.ceil(settings.turn_timeout * 1000),
            retry_options=types.HttpRetryOptions(
                attempts=1 + settings.request_retries, initial_delay=0.5, max_delay=8
            ),
        ),
        **telemetry_options(),
        tool_thread_pool_config=ToolThreadPoolConfig(max_workers=settings.tool_threads),
        get_session_config=window,
    )
