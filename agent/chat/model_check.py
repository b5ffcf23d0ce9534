"""Whether the AI answers, in pieces, and stops when it is told to: looked up for nothing, and asked
once, for an answer that is stopped after its first words."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing, suppress
from itertools import pairwise
from time import monotonic

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.models import BaseLlm
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService

from agent.chat.agent_tree import llm_agents
from agent.chat.conversation import Conversation
from agent.chat.key_check import look_up
from agent.chat.loader import LoadedAgent, with_plugins
from agent.chat.run_config import streams
from agent.chat.turn import Turn
from agent.core.checks import Check, unchecked, well, wrong
from agent.core.errors import explain
from agent.core.notices import Notice
from agent.core.question import Options
from agent.core.settings import Settings
from agent.core.stream_record import Arrivals
from agent.limits.rate_limits import Limits
from agent.models.coalescing import coalescing
from agent.models.watched import watched
from agent.models.without_key import is_offline

# Long enough for several pieces of any model's, whatever it is made for.
QUESTION = "Please count from one to one hundred, in words."

# Tokens that its answer may have; it is stopped long before.
MAX_TOKENS = 300

# Seconds between two pieces that show that they have come one after the other. What was held back
# somewhere arrives at once: a hundred pieces within a millisecond or two. Models let tenths of a
# second pass. Chosen, not measured.
MIN_GAP = 0.01

# Seconds in which an answer has to end that is stopped: ADK's run is cancelled after 0.2.
STOP_TIMEOUT = 5.0

KEY_PAGE = "https://aistudio.google.com/apikey"

# What the host can do about what Gemini, or another model, has said.
CURES = {
    "bad_key": f"Copy the key once more, completely, from {KEY_PAGE} into GOOGLE_API_KEY.",
    "key_not_allowed": f"Make a new key at {KEY_PAGE} and set it as GOOGLE_API_KEY.",
    "no_key": "Set GOOGLE_API_KEY; or run `gcloud auth application-default login`.",
    "no_such_model": "Name another model, in agent.py or as MODEL=gemini-3.5-flash.",
    "not_offered": "Switch on billing for the key's project, or run the app in another country: "
    "https://ai.google.dev/gemini-api/docs/available-regions.",
    "unreachable": "Look at the internet connection, at HTTPS_PROXY, and at "
    "GOOGLE_GEMINI_BASE_URL.",
    "model_busy": f"Wait a minute. If it stays so, raise the key's quota at {KEY_PAGE}.",
}
CURES["model_busy_for"] = CURES["model_busy"]

# Of a key, not of a model.
OF_KEYS = {"bad_key", "key_not_allowed", "no_key"}

# Where visitors bring keys, and the host has none.
NO_KEY = (
    "There is none of yours. With VISITOR_KEYS=1 visitors are answered on keys of their own, and "
    "who brings none is answered by the built-in offline model."
)
TRY_ONES_OWN = "There is nothing to ask it with. Try it on the page, with a key in the settings."

NOT_ASKED = "No model is asked this time, which costs nothing."


def check_keys_and_models(agents: Sequence[LoadedAgent], is_asked: bool) -> list[Check]:
    """Whether there is a key, and whether its service takes it and has the models. It waits for
    that service, and so is not for an event loop."""
    without = [loaded for loaded in agents if loaded.how_to_connect]
    missing = dict.fromkeys(loaded.how_to_connect for loaded in without)
    if missing and all(loaded.waits_for_keys for loaded in without):
        cure = "\n\n".join(["If visitors without a key are to hear from the AI, too:", *missing])
        return [unchecked("Key", NO_KEY, cure.replace("`", "")), unchecked("Model", TRY_ONES_OWN)]
    if missing:
        said = "No AI is connected, and the built-in offline model answers in its place."
        no_key = unchecked("Model", "There is nothing to ask it with.")
        return [wrong("Key", said, "\n\n".join(missing).replace("`", "")), no_key]
    checked = agents if is_asked else ()
    looked_up = {model: notice for loaded in checked for model, notice in look_up(loaded)}
    if not looked_up:
        why = "Only a Gemini by a key can be looked up for nothing; the answer below tells."
        return [unchecked(name, why if is_asked else NOT_ASKED) for name in ("Key", "Model")]
    for model, notice in looked_up.items():
        if notice and notice.code in OF_KEYS:
            unknown = unchecked("Model", "That needs a key that is accepted.")
            return [wrong("Key", notice.text, _cure(notice)), unknown]
        if notice:
            unknown = unchecked("Key", "That needs a model that can be looked up with it.")
            return [unknown, wrong("Model", f"{model}: {notice.text}", _cure(notice))]
    there = f"{', '.join(looked_up)}: there for this key."
    return [well("Key", "It is accepted."), well("Model", there)]


def _cure(notice: Notice) -> str:
    return CURES.get(notice.code, "Ask the model's provider, or name another model.")


async def check_answer(
    agents: Iterable[LoadedAgent], settings: Settings, why_not: str, limits: Limits
) -> AsyncIterator[Check]:
    """Ask the first model once: whether its answer comes in pieces, and ends when it is stopped.

    Args:
        agents: All that can be used.
        settings: The host's.
        why_not: Why no model is asked; "" if one is.
        limits: Where the call and its tokens count, as everybody's do.
    """
    if (model := _first_model(agents)) is None:
        why = "There is no model that could be asked, but for the built-in offline one."
    elif settings.demo_paused:
        why = "With DEMO_PAUSED=1 no model is asked."
    elif why_not:
        why = why_not
    elif reason := await limits.why_offline():
        why = f"No model is asked. {reason.english}"
    else:
        async for check in _ask(model, settings, limits):
            yield check
        return
    for name in ("Answer", "Streaming", "Stop"):
        yield unchecked(name, why)


def _first_model(agents: Iterable[LoadedAgent]) -> BaseLlm | None:
    for loaded in agents:
        for agent in llm_agents(loaded.runner.agent):
            with suppress(Exception):  # One of an unknown name, which its agent's line tells of.
                if not is_offline(model := agent.canonical_model):
                    return model
    return None


async def _ask(model: BaseLlm, settings: Settings, limits: Limits) -> AsyncIterator[Check]:
    """Not by the owner's agent, whose tools may do something."""
    bounds = {"max_output_tokens": MAX_TOKENS, "offline_fallback": False, "leave_grace": 60.0}
    settings = settings.model_copy(update=bounds)
    model, done = watched(coalescing(model))
    agent = LlmAgent(name="self_check", model=model)
    app = App(name="self_check", root_agent=agent, plugins=with_plugins([], settings))
    runner = Runner(app=app, session_service=InMemorySessionService())
    turn = Conversation(runner, settings).ask(QUESTION)
    async with aclosing(turn.watch()) as transcripts:
        async for _ in transcripts:
            if _came_in_pieces(_arrivals(turn)):
                break
    was_over, arrivals, began = turn.over, _arrivals(turn), monotonic()
    turn.stop()
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_TIMEOUT):
            await turn.finish()
            await done.wait()
    await limits.spend(turn.spent.take_uncounted())
    has_stopped = turn.over and done.is_set()
    seconds = None if was_over or not has_stopped else monotonic() - began
    if not arrivals.times:
        notice = _reason(turn)
        yield wrong("Answer", notice.text, _cure(notice))
        for name in ("Streaming", "Stop"):
            yield unchecked(name, "There was no answer.")
        return
    yield well("Answer", f"{model.model} answers, after {arrivals.times[0]:.2f} s.")
    yield _streaming(turn, arrivals, settings)
    yield _stop(was_over, seconds)


def _arrivals(turn: Turn) -> Arrivals:
    """When its pieces came: over HTTP, or of a model other than Gemini, as ADK's events."""
    return turn.record.chunks if turn.record.chunks.count() else turn.record.texts


def _came_in_pieces(arrivals: Arrivals) -> bool:
    return any(after - before >= MIN_GAP for before, after in pairwise(arrivals.times))


def _reason(turn: Turn) -> Notice:
    notices = [entry for entry in turn.transcript if isinstance(entry, Notice)]
    return notices[-1] if notices else explain("EMPTY")


def _streaming(turn: Turn, arrivals: Arrivals, settings: Settings) -> Check:
    name = "Streaming"
    if not streams(settings, Options()):
        return unchecked(name, "STREAMING=none asks for answers in one piece.")
    if _came_in_pieces(arrivals):
        where = "over HTTP" if turn.record.chunks.count() else "as ADK's events"
        return well(name, f"The answer came in pieces, one after the other ({where}).")
    return wrong(
        name,
        "The answer came all at once.",
        "If a proxy stands between this machine and the model (HTTPS_PROXY, "
        "GOOGLE_GEMINI_BASE_URL), have it pass on text/event-stream without buffering it. If the "
        "model itself cannot stream, set STREAMING=none, so that nobody waits for pieces.",
    )


def _stop(was_over: bool, seconds: float | None) -> Check:
    name = "Stop"
    if was_over:
        return unchecked(name, "The answer was over before it could be stopped.")
    if seconds is not None:
        return well(name, f"The answer ended {seconds:.2f} s after Stop, and its request with it.")
    return wrong(
        name,
        f"The model was not done {STOP_TIMEOUT:.0f} s after Stop: it goes on, and is paid for.",
        "The model's class must let asyncio.CancelledError out of generate_content_async: look for "
        "`except BaseException`, a bare `except`, and `asyncio.shield` in it.",
    )
