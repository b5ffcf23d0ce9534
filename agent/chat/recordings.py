"""Has all models of an agent recorded, or played back from a recording, as the host has set."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.models import BaseLlm, LLMRegistry, LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin

from agent.chat.measures import running_turn
from agent.core.adk_internals import agent_of
from agent.core.notices import Notice
from agent.core.settings import Settings
from agent.models.credentials import fallbacks
from agent.models.litellm_setup import is_litellm
from agent.models.offline import OfflineModel
from agent.models.recording import Recorder, recorded
from agent.models.replay import Recording, replayed

log = logging.getLogger(__name__)

# So many questions of a recording are shown to begin with.
MAX_OPENINGS = 8


@dataclass(frozen=True)
class Tape:
    """What is recorded to, or played from; None of both as a rule."""

    recorder: Recorder | None = None
    recording: Recording | None = None

    @property
    def is_used(self) -> bool:
        """Whether anything is done with models."""
        return bool(self.recorder or self.recording)

    def on(self, agent: LlmAgent) -> None:
        """Have an agent's model recorded or played back."""
        agent.model = self._on(agent.canonical_model, agent.name)

    def _on(self, model: BaseLlm, agent: str) -> BaseLlm:
        if entries := fallbacks(model):
            made = [
                LLMRegistry.new_llm(entry) if isinstance(entry, str) else entry for entry in entries
            ]
            models = [self._on(entry, agent) for entry in made]
            changed = any(new is not old for new, old in zip(models, entries, strict=True))
            return model.model_copy(update={"models": models}) if changed else model
        if self.recorder:
            if found := recorded(model, self.recorder):
                return found
            _tell_not_recorded(agent, model.model, _way(model))
        if self.recording and not isinstance(model, OfflineModel):
            return replayed(model, self.recording)
        return model

    def examples(self, owners: Sequence[str]) -> tuple[str, ...]:
        """Messages to begin with: of a recording those that it can answer, the owner's if any are
        among them."""
        if self.recording is None:
            return tuple(owners)
        openings = self.recording.openings
        return tuple(text for text in owners if text in openings) or openings[:MAX_OPENINGS]


def open_tape(settings: Settings) -> Tape:
    """What the host has set.

    Raises:
        RecordingError: with a sentence for the host, for a file that cannot be used.
    """
    recorder = open_recorder(Path(settings.record).absolute()) if settings.record else None
    recording = open_recording(Path(settings.replay).absolute()) if settings.replay else None
    return Tape(recorder, recording)


# Once for all agents of a process, whose turns one file has.
open_recorder, open_recording = cache(Recorder), cache(Recording)


class TapePlugin(BasePlugin):
    """Says of an answer that it is a recording; and has models recorded or played back that were
    not there at the start, such as those of an agent that a node makes."""

    def __init__(self, tape: Tape) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_tape")
        self._tape = tape

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """None, for the call to be made; a code where it might be made over the network."""
        if agent := agent_of(callback_context):
            with suppress(Exception):  # A model that cannot be made fails when it is called.
                self._tape.on(agent)
        elif self._tape.recording:
            return LlmResponse(error_code="NOT_RECORDED")
        return None

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> None:
        """Say it once, before the first words."""
        turn, recording = running_turn.get(None), self._tape.recording
        if not (turn and recording):
            return
        listener = recording.listener(turn.record)
        codes = {entry.code for entry in turn.transcript if isinstance(entry, Notice)}
        if listener.played and "replayed" not in codes:
            first = listener.played[0]
            turn.add_notice(Notice("replayed", {"model": first.model, "date": first.made[:10]}))
        if listener.has_other_results and "other_results" not in codes:
            turn.add_notice(Notice("other_results"))


@cache  # Once for each agent and model.
def _tell_not_recorded(agent: str, model: str, way: str) -> None:
    log.warning(
        "The agent %s is not recorded: its model %s is asked by %s, and only what comes from "
        "Gemini over HTTP is recorded.",
        *(agent, model, way),
    )


def _way(model: BaseLlm) -> str:
    if isinstance(model, OfflineModel):
        return "nobody, since it is the built-in offline model"
    return "LiteLLM" if is_litellm(model) else f"the class {type(model).__name__}"
