"""What was shown of an answer and ADK has not stored, as events to be stored at its end."""

from google.adk.events import Event
from google.genai import types

from agent.chat.turn import Turn
from agent.core import transcript
from agent.core.errors import explain
from agent.core.history import invocation_of, notices_event
from agent.core.notices import Notice
from agent.core.said import Said
from agent.core.transcript import Text


def missing_events(turn: Turn, agent_name: str) -> list[Event]:
    """Words whose whole never came, so that the agent remembers them; and the app's own notices, so
    that they are seen again."""
    events, invocation_id = list[Event](), invocation_of(turn.id or "")
    for entry in transcript.unstored(turn.transcript):
        if isinstance(entry, Said):
            events.append(said_event(entry, invocation_id))
        else:
            events.append(cut_event(entry, invocation_id))
    latest = turn.transcript[len(turn.earlier) :]
    shown = [entry for entry in latest if isinstance(entry, Notice)]
    notices = [notice for notice in shown if notice.code not in ("not_remembered", "widget")]
    notices += [explain(turn.failure)] if turn.failure else []
    if notices:
        event = notices_event(invocation_id, agent_name, notices)
        if events:  # In one with the last words: each is a transaction.
            events[-1].custom_metadata = event.custom_metadata
        else:
            events.append(event)
    return events


def cut_event(text: Text, invocation_id: str) -> Event:
    """An answer as far as it was seen or heard."""
    author, branch = text.source
    content = types.ModelContent(text.text)
    event = Event(author=author, branch=branch, content=content, interrupted=True)
    event.invocation_id = invocation_id
    return event


def said_event(said: Said, invocation_id: str) -> Event:
    """What a person has said in a talk, as far as it was understood."""
    heard = types.Transcription(text=said.text, finished=True)
    return Event(author="user", input_transcription=heard, invocation_id=invocation_id)
