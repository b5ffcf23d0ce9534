"""A conversation as its session stores it: a pure fold from ADK's events to turns.

What is shown after a reload, a restart, or in a second window comes from here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from google.adk.events import Event, EventActions
from google.adk.events.event_actions import EventCompaction
from google.adk.sessions import Session

from agent.core import transcript, waiting
from agent.core.figures import Figures
from agent.core.files import File
from agent.core.notices import Notice, PlainError, from_stored, to_stored
from agent.core.pauses import Pause
from agent.core.question import Screen
from agent.core.text import clean
from agent.core.transcript import Entry, Text, Transcript

# Under which name an event's `custom_metadata` holds the app's own notices about its turn.
NOTICES = "adk_chat_page_notices"

# Where the session's state holds the conversation's first words, and what it is called instead.
TITLE, NAME = "adk_chat_page_title", "adk_chat_page_name"

# Where it holds what tools have done with a person's approval in turns that were taken back.
DONE = "adk_chat_page_done"

# How many characters a conversation's title has at the most.
TITLE_LENGTH = 40


@dataclass(frozen=True)
class TurnRecord:
    """One turn: what was asked, and what came of it."""

    # ADK's invocation.
    id: str
    question: str
    transcript: Transcript = ()
    # How many of the session's events are its own.
    events: int = 0
    # The time of its first event, in seconds since 1970; 0 where that is not known.
    asked_at: float = field(default=0.0, compare=False)
    # Whether it has changed state or files of its user's ("user:…"), which a rewind leaves as they
    # are.
    changes_user: bool = field(default=False, compare=False)
    # Whether the model is told a summary in place of it (ADK's compaction).
    is_summarized: bool = field(default=False, compare=False)
    # Measured only where the turn was run by this process.
    figures: Figures = field(default_factory=Figures, compare=False)


def turn_records(events: Iterable[Event]) -> list[TurnRecord]:
    """The turns that are left after all rewinds, oldest first.

    A turn's events need not be neighbours. An event that says nothing and belongs to no turn, such
    as a mere change of state, is nobody's; so is ADK's compaction, a summary of earlier events.
    What was said without a question belongs to the turn before, if there is one.
    """
    turns: dict[str, TurnRecord] = {}
    # Each with the number of turns that had begun before it: a rewind to fewer takes it away, too.
    summaries: list[tuple[int, EventCompaction]] = []
    for event in events:
        turn_id = event.invocation_id
        if first := event.actions.rewind_before_invocation_id:
            kept = list(turns)[: list(turns).index(first)] if first in turns else list(turns)
            turns = {turn_id: turns[turn_id] for turn_id in kept}
            summaries = [summary for summary in summaries if summary[0] <= len(turns)]
        elif summary := event.actions.compaction:
            summaries.append((len(turns), summary))
        elif turn_id in turns:
            turns[turn_id] = _grown(turns[turn_id], event)
        elif event.content and event.author != "user" and turns:
            turn_id = next(reversed(turns))
            turns[turn_id] = _grown(turns[turn_id], event)
        elif event.content:
            record = TurnRecord(turn_id, _question(event), asked_at=event.timestamp)
            turns[turn_id] = _grown(record, event)
    return [_summarized(turn, summaries) for turn in turns.values()]


def _summarized(turn: TurnRecord, summaries: list[tuple[int, EventCompaction]]) -> TurnRecord:
    """ADK leaves out what came in the time of a summary."""
    for _, summary in summaries:
        if summary.start_timestamp <= turn.asked_at <= summary.end_timestamp:
            return replace(turn, is_summarized=True)
    return turn


def _question(event: Event) -> str:
    parts = (event.content.parts or []) if event.content and event.author == "user" else []
    return "".join(part.text or "" for part in parts)


def _grown(turn: TurnRecord, event: Event) -> TurnRecord:
    notices = map(from_stored, (event.custom_metadata or {}).get(NOTICES, []))
    return replace(
        turn,
        transcript=(*transcript.add(turn.transcript, event), *notices),
        events=turn.events + 1,
        changes_user=turn.changes_user or changes_user(event),
    )


def changes_user(event: Event) -> bool:
    """Whether the event changes state or files that belong to the user, not to the session."""
    names = (*event.actions.state_delta, *event.actions.artifact_delta)
    return any(name.startswith("user:") for name in names)


def ended(turn: TurnRecord) -> TurnRecord:
    """A stored turn as one that is over. If nothing says how it ended, the app ended before it."""
    whole = transcript.close(turn.transcript)
    is_cut = transcript.busy_with_tools(turn.transcript) or not any(map(_is_end, whole))
    is_cut = is_cut and not waiting.is_waiting(turn.transcript)
    return replace(turn, transcript=(*whole, Notice("cut_short")) if is_cut else whole)


def _is_end(entry: Entry) -> bool:
    """Whether an answer may consist of this alone."""
    if isinstance(entry, Pause):
        return bool(entry.reply and not entry.reply.is_approved)
    return isinstance(entry, Text | File | Notice)


def remaining_events(events: list[Event]) -> list[Event]:
    """The events of the turns that are left after all rewinds."""
    left = {turn.id for turn in turn_records(events)}
    return [event for event in events if event.invocation_id in left]


def latest_since(turns: Sequence[TurnRecord], most: int) -> float | None:
    """The time since which a session's events are those of as many of its latest turns as have
    `most` events of their own; None where not even one has so few.

    What nobody said and what was rewound since then is read too, and ADK leaves it out. A turn in
    whose place the model is told a summary counts as one event.
    """
    own, since = 0, None
    for turn in reversed(turns):
        own += 1 if turn.is_summarized else turn.events
        if own > most:
            break
        # The server's clock may have been set back in between.
        since = turn.asked_at if since is None else min(since, turn.asked_at)
    return since


class OutOfDate(PlainError):
    """The conversation has turns that the page has never shown."""

    def __init__(self) -> None:
        super().__init__("out_of_date")


def kept_turns(screen: Screen, above: int, turns: Sequence[TurnRecord]) -> tuple[int, Screen]:
    """How many turns a visitor keeps who asks below the first `above` messages of a page.

    Returns:
        That number, which is more than there are turns where some are no longer remembered; and
        what the page shows above the new message.

    Raises:
        OutOfDate: if the page has not shown the latest turn, so that its visitor does not mean to
            take that away.
    """
    stored = [turn.id for turn in turns]
    on_page = screen.turn_ids
    if not on_page and above == len(stored):
        on_page = tuple(stored)  # The app was restarted under an open page.
    if stored and stored[-1] not in (*on_page, *screen.gone):
        raise OutOfDate
    shown, missing = on_page[:above], max(0, above - len(on_page))
    kept = screen.hidden + sum(id is not None for id in shown) + missing
    known = tuple(id if id in stored else None for id in shown)
    return kept, Screen((*known, *[None] * missing), min(screen.hidden, len(stored)))


def notices_event(invocation_id: str, author: str, notices: Iterable[Notice]) -> Event:
    """An event that only says how its turn ended; no model is shown it."""
    stored = {NOTICES: list(map(to_stored, notices))}
    return Event(invocation_id=invocation_id, author=author, custom_metadata=stored)


def name_event(invocation_id: str, name: str) -> Event:
    """An event that only gives the conversation a name."""
    actions = EventActions(state_delta={NAME: name})
    return Event(invocation_id=invocation_id, author="user", actions=actions)


def done_event(invocation_id: str, done: Sequence[str]) -> Event:
    """An event that only tells what stays done though it has been taken back."""
    actions = EventActions(state_delta={DONE: list(done)})
    return Event(invocation_id=invocation_id, author="user", actions=actions)


def title(session: Session) -> str:
    """What the visitor knows the conversation by."""
    return str(session.state.get(NAME) or session.state.get(TITLE) or "…")


def short_title(text: str) -> str:
    """The first words, on one line."""
    line = " ".join(clean(text).split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"
