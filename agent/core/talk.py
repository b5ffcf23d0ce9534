"""A talk as a transcript: both sides speak, at any time, in one run of ADK's (`Runner.run_live`).

Words that were spoken come as transcriptions instead of content: deltas first, then the whole, as
texts do. So they are folded as texts. A person's words stand between the agent's, as `Said`.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from google.adk.events import Event, EventActions
from google.genai import types

from agent.core import transcript as texts
from agent.core.said import Said
from agent.core.transcript import Text, Thought, ToolCall, Transcript

# Under which name the `custom_metadata` of an event says that a talk begins with it.
TALK = "adk_chat_page_talk"

# What the agent is told to have said where a question before the talk has no answer: else the model
# would begin the talk by answering it (adk/models/gemini_llm_connection.py, `send_history`).
UNANSWERED = "(This was not answered.)"


def begin_event(
    invocation_id: str, author: str, is_unanswered: bool, state: Mapping[str, Any]
) -> Event:
    """The event that a talk begins with. ADK itself stores none, and the first that it stores may
    be the call of a tool.

    Args:
        invocation_id: The talk's.
        author: The agent's name.
        is_unanswered: Whether the latest words in the session are a person's.
        state: What of the session's state is set.
    """
    event = Event(invocation_id=invocation_id, author=author, custom_metadata={TALK: True})
    event.content = types.ModelContent(UNANSWERED) if is_unanswered else None
    event.actions = EventActions(state_delta=dict(state))
    return event


def begins_talk(event: Event) -> bool:
    """Whether a talk begins with this event."""
    return bool((event.custom_metadata or {}).get(TALK))


def add(transcript: Transcript, event: Event) -> Transcript:
    """The transcript with an event of the talk folded in: a new value."""
    if begins_talk(event):
        return transcript
    if heard := event.input_transcription:
        return hear(transcript, heard.text or "", is_final=not event.partial)
    if event.author == "user":
        return say(transcript, words_of(event)) if words_of(event) else transcript
    if event.output_transcription:
        spoken = with_words(event)
        return _fold(transcript, spoken) if spoken.content else transcript
    if not is_sound(event):
        transcript = _fold(transcript, event)
    if event.interrupted:
        transcript = _before_interruption(transcript)
    # What is still open then never gets its whole.
    return cut(transcript) if event.interrupted or event.turn_complete else transcript


def _before_interruption(transcript: Transcript) -> Transcript:
    """The transcript in which an answer that was cut short stands above what has cut it short: ADK
    stores that first."""
    match transcript:
        case (*rest, Said() | ToolCall() as asked, Said() as said, Text() as text):
            return (*rest, asked, text, said)
    return transcript


def hear(transcript: Transcript, text: str, is_final: bool) -> Transcript:
    """The transcript with what has been understood of a person's voice: the next piece, or the
    whole in place of all pieces."""
    growing = [i for i, e in enumerate(transcript) if isinstance(e, Said) and _grows(e)]
    if not text:
        return transcript
    match transcript[-1:]:
        case (Said(is_final=True, is_typed=False) as last,) if is_final and not growing:
            # The next piece of the same: Gemini 3 calls each of them final.
            return (*transcript[:-1], replace(last, text=last.text + text))
    place = growing[-1] if growing else len(transcript)
    # A model may have begun to answer before it tells all that it has understood.
    before = [entry.text for entry in transcript[place : place + 1] if isinstance(entry, Said)]
    said = Said(text, is_final) if is_final else Said("".join((*before, text)), is_final)
    return (*transcript[:place], said, *transcript[place + 1 :])


def say(transcript: Transcript, text: str, is_final: bool = True) -> Transcript:
    """The transcript with what a person has typed."""
    return (*transcript, Said(text, is_final, is_typed=True))


def settle(transcript: Transcript) -> Transcript:
    """The transcript in which the first typed words that were on their way are stored."""
    for i, entry in enumerate(transcript):
        if isinstance(entry, Said) and entry.is_typed and not entry.is_final:
            return (*transcript[:i], replace(entry, is_final=True), *transcript[i + 1 :])
    return transcript


def settle_known(transcript: Transcript, texts: Collection[str]) -> Transcript:
    """The transcript in which those of the typed words are stored that are among these texts."""
    return tuple(
        replace(entry, is_final=True)
        if isinstance(entry, Said) and entry.is_typed and entry.text in texts
        else entry
        for entry in transcript
    )


def cut(transcript: Transcript) -> Transcript:
    """The transcript in which no answer grows any more."""
    return tuple(
        replace(entry, state="cut")
        if isinstance(entry, Text | Thought) and entry.state == "open"
        else entry
        for entry in transcript
    )


def stored(transcript: Transcript, kept: Collection[Text]) -> Transcript:
    """The transcript in which these texts, which were cut, are stored."""
    return tuple(
        replace(entry, state="final") if isinstance(entry, Text) and entry in kept else entry
        for entry in transcript
    )


def question_and_rest(transcript: Transcript) -> tuple[str, Transcript]:
    """What a person has said first, and the talk without that."""
    for i, entry in enumerate(transcript):
        if isinstance(entry, Said):
            return entry.text, (*transcript[:i], *transcript[i + 1 :])
    return "", transcript


def words_of(event: Event) -> str:
    """What a person has said in an event, by voice or by keys."""
    if event.author != "user":
        return ""
    if heard := event.input_transcription:
        return "" if event.partial else heard.text or ""
    parts = (event.content.parts or []) if event.content else []
    return "".join(part.text or "" for part in parts)


def with_words(event: Event) -> Event:
    """The event with what was spoken in it as its content, as if it had been written."""
    spoken = event.input_transcription or event.output_transcription
    if event.content or not (spoken and spoken.text):
        return event
    role = "user" if event.input_transcription else "model"
    content = types.Content(role=role, parts=[types.Part(text=spoken.text)])
    changes = {"content": content, "input_transcription": None, "output_transcription": None}
    return event.model_copy(update=changes)


def is_sound(event: Event) -> bool:
    """Whether it is a piece of the agent's voice; the words of it come in events of their own."""
    parts = (event.content.parts or []) if event.content else []
    kinds = [(part.inline_data.mime_type or "") if part.inline_data else "" for part in parts]
    return bool(kinds) and all(kind.startswith("audio/") for kind in kinds)


def _grows(said: Said) -> bool:
    return not (said.is_final or said.is_typed)


def _fold(transcript: Transcript, event: Event) -> Transcript:
    """Fold an event of the agent's in. What was cut in a talk was heard, and stays: the next words
    are another answer, and no second attempt."""
    states = [getattr(entry, "state", None) for entry in transcript]
    begin = len(states) - states[::-1].index("cut") if "cut" in states else 0
    if event.get_function_responses():
        begin = 0
    return (*transcript[:begin], *texts.add(transcript[begin:], event))
