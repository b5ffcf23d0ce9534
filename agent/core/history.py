"""A conversation as its session stores it: a pure fold from ADK's events to turns.

What is shown after a reload, a restart, or in a second window comes from here.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from google.adk.events import Event, EventActions
from google.adk.events.event_actions import EventCompaction
from google.adk.sessions import Session

from agent.core import branches, choices, files, talk, transcript, waiting
from agent.core.figures import Figures, Usage, of_events
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

# Under which name the `custom_metadata` of a message that was stored again holds its turn's id.
TURN_ID = "adk_chat_page_turn"

# How many characters a conversation's title has at the most.
TITLE_LENGTH = 40


@dataclass(frozen=True)
class TurnRecord:
    """One turn: what was asked, and what came of it."""

    # See `turn_id_of`.
    id: str
    question: str
    transcript: Transcript = ()
    # What was sent with the question.
    files: tuple[File, ...] = ()
    # The event that asks it; "" where that is not known.
    event_id: str = field(default="", compare=False)
    # How many of the session's events are its own.
    events: int = 0
    # The time of its first event, in seconds since 1970; 0 where that is not known.
    asked_at: float = field(default=0.0, compare=False)
    # The same of the latest event in which something is answered.
    answered_at: float = field(default=0.0, compare=False)
    # Whether it has changed state or files of its user's ("user:…"), which a rewind leaves as they
    # are.
    changes_user: bool = field(default=False, compare=False)
    # Whether the model is told a summary in place of it (ADK's compaction).
    is_summarized: bool = field(default=False, compare=False)
    # Whether it is a talk.
    is_talk: bool = field(default=False, compare=False)
    # Of a talk, when its person has said something, in seconds since 1970; of a question nothing.
    said_at: tuple[float, ...] = field(default=(), compare=False)
    # Measured while it ran; of its chunks only this process knows, if it was run here.
    figures: Figures = field(default_factory=Figures, compare=False)
    usage: Usage = field(default_factory=Usage, compare=False)

    @property
    def invocation_id(self) -> str:
        """ADK's invocation, which it may share with other turns."""
        return invocation_of(self.id)


def turn_records(events: Iterable[Event]) -> list[TurnRecord]:
    """The turns that are left after all rewinds, oldest first."""
    turns, summaries = _turns(events)
    records: list[TurnRecord] = []
    for turn_id, own in turns.items():
        first = own[0]
        is_talk = talk.begins_talk(first)
        question = "" if is_talk else _question(first)
        record = TurnRecord(turn_id, question, asked_at=first.timestamp)
        record = replace(record, files=sent_files(first), event_id=first.id)
        figures, usage = of_events(own)
        usage.chosen = choices.of_events(own)
        record = replace(record, figures=figures, usage=usage)
        for event in own:
            record = _grown(record, event, is_talk)
            if may_answer_earlier(event, turn_id):
                records = [_answered(earlier, record, event) for earlier in records]
        begun = branches.begun_in(own)
        record = replace(record, transcript=branches.arranged(record.transcript, begun))
        records.append(_summarized(as_talk(record) if is_talk else record, summaries))
    return records


def as_talk(record: TurnRecord) -> TurnRecord:
    """The record of a talk: what was said first is its question."""
    question, rest = talk.question_and_rest(record.transcript)
    return replace(record, question=question, transcript=rest, is_talk=True)


# By their ids.
Turns: TypeAlias = dict[str, list[Event]]

# Each with the number of turns that had begun before it: a rewind to fewer takes it away, too.
Summaries: TypeAlias = list[tuple[int, EventCompaction]]


def _turns(events: Iterable[Event]) -> tuple[Turns, Summaries]:
    """The events of each turn that is left, and ADK's summaries.

    A turn's events need not be neighbours. An event that says nothing and belongs to no turn, such
    as a mere change of state, is nobody's; so is ADK's compaction, a summary of earlier events.
    What was said without a question belongs to the turn before, if there is one.
    """
    turns: Turns = {}
    summaries: Summaries = []
    # The latest turn of each invocation; and the ids of the events by which turns have begun: a
    # store that failed half-way may have such an event twice.
    latest: dict[str, str] = {}
    first_ids: set[str] = set()
    for event in events:
        # A rewind: the named turn and those after it are gone.
        if first := event.actions.rewind_before_invocation_id:
            kept = list(turns)[: list(turns).index(first)] if first in turns else list(turns)
            turns = {turn_id: turns[turn_id] for turn_id in kept}
            latest = {invocation_of(turn_id): turn_id for turn_id in kept}
            summaries = [summary for summary in summaries if summary[0] <= len(turns)]
        # ADK's compaction is nobody's.
        elif summary := event.actions.compaction:
            summaries.append((len(turns), summary))
        # More of a turn that has begun: an answer's event, a reply, or whatever is said in a talk.
        elif event.invocation_id in latest and (
            event.id in first_ids
            or not is_message(event)
            or talk.begins_talk(turns[latest[event.invocation_id]][0])
        ):
            turns[latest[event.invocation_id]].append(event)
        # Words of an agent that nobody asked for.
        elif event.content and event.author != "user" and turns and not talk.begins_talk(event):
            turns[next(reversed(turns))].append(event)
        # A question, or the beginning of a talk.
        elif event.content or talk.begins_talk(event):
            turn_id = turn_id_of(event, latest)
            turns[turn_id], latest[event.invocation_id] = [event], turn_id
            first_ids.add(event.id)
    return turns, summaries


def is_message(event: Event) -> bool:
    """Whether a person says something in it, and does not only answer what was asked."""
    parts = (event.content.parts or []) if event.content else []
    return event.author == "user" and bool(parts) and not event.get_function_responses()


def turn_id_of(event: Event, known: Container[str]) -> str:
    """The id of the turn that an event begins, where these invocations are known.

    It is the invocation's. While an agent in task mode waits for the next message, ADK stores that
    under the invocation of the first: then the event's own id is put behind it.
    """
    stored = (event.custom_metadata or {}).get(TURN_ID)
    turn_id = event.invocation_id
    return str(stored or (f"{turn_id}/{event.id}" if turn_id in known else turn_id))


def may_answer_earlier(event: Event, turn_id: str) -> bool:
    """Whether an event of this turn may answer a call of an earlier turn of its invocation."""
    return bool(event.get_function_responses()) and turn_id != event.invocation_id


def invocation_of(turn_id: str) -> str:
    """ADK's invocation of the turn with this id."""
    return turn_id.partition("/")[0]


def shared_events(events: Iterable[Event], kept: Sequence[str], cut: str) -> list[Event]:
    """What a rewind to before the turn `cut` takes of the turns `kept` with it, to be stored again:
    ADK takes away whole invocations."""
    turns, _ = _turns(events)
    again = []
    for turn_id in kept:
        if invocation_of(turn_id) == invocation_of(cut):
            for event in turns.get(turn_id, []):
                metadata = event.custom_metadata or {}
                if event is turns[turn_id][0]:
                    metadata = {**metadata, TURN_ID: turn_id}
                changed = {"id": Event.new_id(), "custom_metadata": metadata}
                again.append(event.model_copy(update=changed))
    return again


def _answered(earlier: TurnRecord, turn: TurnRecord, event: Event) -> TurnRecord:
    if earlier.invocation_id != turn.invocation_id:
        return earlier
    return replace(earlier, transcript=transcript.answer_later(earlier.transcript, event))


def _summarized(turn: TurnRecord, summaries: Summaries) -> TurnRecord:
    """ADK leaves out what came in the time of a summary."""
    for _, summary in summaries:
        if summary.start_timestamp <= turn.asked_at <= summary.end_timestamp:
            return replace(turn, is_summarized=True)
    return turn


def _question(event: Event) -> str:
    parts = (event.content.parts or []) if event.content and event.author == "user" else []
    return "".join(part.text or "" for part in parts)


def sent_files(event: Event) -> tuple[File, ...]:
    """The files that a person sends in this event."""
    parts = (event.content.parts or []) if event.content and event.author == "user" else []
    return tuple(file for part in parts if (file := files.of_part(part, event)))


def _grown(turn: TurnRecord, event: Event, is_talk: bool) -> TurnRecord:
    add = talk.add if is_talk else transcript.add
    notices = map(from_stored, (event.custom_metadata or {}).get(NOTICES, []))
    is_answer = (event.content or event.output_transcription) and event.author != "user"
    is_said = is_talk and bool(talk.words_of(event))
    return replace(
        turn,
        answered_at=event.timestamp if is_answer else turn.answered_at,
        transcript=(*add(turn.transcript, event), *notices),
        events=turn.events + 1,
        said_at=(*turn.said_at, event.timestamp) if is_said else turn.said_at,
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
    left = {id(event) for own in _turns(events)[0].values() for event in own}
    return [event for event in events if id(event) in left]


def latest_since(turns: Sequence[TurnRecord], most: int) -> float | None:
    """The time since which a session's events are those of as many of its latest turns as have
    `most` events of their own; None where not even one has so few.

    What nobody said and what was rewound since then is read too, and ADK leaves it out. A turn in
    whose place the model is told a summary counts as one event.
    """
    own, since, invocation_id = 0, None, ""
    for turn in reversed(turns):
        own += 1 if turn.is_summarized else turn.events
        # Of an invocation ADK reads all, or does not know which agent is at work.
        if own > most and turn.invocation_id != invocation_id:
            room = most - (own - turn.events)
            return _since_in_talk(turn, room) or since
        invocation_id = turn.invocation_id
        # The server's clock may have been set back in between.
        since = turn.asked_at if since is None else min(since, turn.asked_at)
    return since


def _since_in_talk(talk: TurnRecord, room: int) -> float | None:
    """Since when a talk has about as many events as there is room for, from something on that its
    person says: it may be longer than all that a model is shown."""
    fit = room * len(talk.said_at) // talk.events if talk.said_at else 0
    return talk.said_at[-fit] if fit > 0 else None


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


def title_event(invocation_id: str, title: str) -> Event:
    """An event that only tells the conversation's first words."""
    actions = EventActions(state_delta={TITLE: title})
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
