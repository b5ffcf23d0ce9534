"""A conversation as its session stores it: a pure fold from ADK's events to turns.

What is shown after a reload, a restart, or in a second window comes from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from google.adk.events import Event, EventActions
from google.adk.sessions import Session

from agent.core import transcript
from agent.core.transcript import Notice, Transcript

NOTICES = "adk_chat_page_notices"
"""Under which name an event's `custom_metadata` holds the app's own sentences about its turn."""

TITLE, NAME = "adk_chat_page_title", "adk_chat_page_name"
"""Where the session's state holds the conversation's first words, and what it is called instead."""


@dataclass(frozen=True)
class TurnRecord:
    """One turn: what was asked, and what came of it."""

    invocation_id: str
    question: str
    transcript: Transcript = ()

    live: int = 0
    """How many stored events are this turn's."""

    void: int = 0
    """How many events were stored after it and then rewound."""

    asked_at: float = field(default=0.0, compare=False)
    """When, in seconds since 1970; 0 where that is not known."""


def recall(events: Iterable[Event]) -> list[TurnRecord]:
    """The turns that are left after all rewinds, oldest first."""
    turns: list[TurnRecord] = []
    for event in events:
        if first := event.actions.rewind_before_invocation_id:
            turns = _rewound(turns, first)
        elif turns and turns[-1].invocation_id == event.invocation_id:
            turns[-1] = _grown(turns[-1], event)
        else:
            told = TurnRecord(event.invocation_id, question(event), asked_at=event.timestamp)
            turns.append(_grown(told, event))
    return turns


def remaining(events: list[Event]) -> list[Event]:
    """The events of those turns."""
    left = {turn.invocation_id for turn in recall(events)}
    return [event for event in events if event.invocation_id in left]


def question(event: Event) -> str:
    """What the visitor said, if the event is the visitor's."""
    parts = (event.content.parts or []) if event.content and event.author == "user" else []
    return "".join(part.text or "" for part in parts)


def notices_event(invocation_id: str, author: str, notices: list[str]) -> Event:
    """An event that only says how its turn ended; no model is shown it."""
    return Event(invocation_id=invocation_id, author=author, custom_metadata={NOTICES: notices})


def title(session: Session) -> str:
    """What the visitor knows the conversation by."""
    return str(session.state.get(NAME) or session.state.get(TITLE) or "…")


def name_event(invocation_id: str, name: str) -> Event:
    """An event that only gives the conversation a name."""
    actions = EventActions(state_delta={NAME: name})
    return Event(invocation_id=invocation_id, author="user", actions=actions)


def _grown(turn: TurnRecord, event: Event) -> TurnRecord:
    latest = transcript.add(turn.transcript, event)
    said = (event.custom_metadata or {}).get(NOTICES, [])
    return replace(turn, transcript=(*latest, *map(Notice, said)), live=turn.live + 1)


def _rewound(turns: list[TurnRecord], first: str) -> list[TurnRecord]:
    kept = next((i for i, turn in enumerate(turns) if turn.invocation_id == first), len(turns))
    dropped = turns[kept:]
    if not kept:
        return []
    void = turns[kept - 1].void + 1 + sum(turn.live + turn.void for turn in dropped)
    return [*turns[: kept - 1], replace(turns[kept - 1], void=void)]
