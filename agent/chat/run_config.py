"""How ADK is to run the agent in a turn."""

import math

from google.adk.agents.run_config import RunConfig, StreamingMode, ToolThreadPoolConfig
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types

from agent.core.adk_internals import telemetry_options
from agent.core.question import Options
from agent.core.settings import Settings
from agent.limits.budget import MAX_FREE_CALLS


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
