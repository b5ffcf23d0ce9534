"""What is kept of a turn: the record that its session has of it."""

from dataclasses import replace

from agent.chat.live import LiveTurn
from agent.chat.turn import Turn
from agent.core.history import TurnRecord, as_talk
from agent.core.question import Question


def record_of(turn: Turn, question: Question) -> TurnRecord:
    """A turn as its session has it; a talk's question is what was said in it first."""
    files = tuple(question.files)
    record = TurnRecord(turn.id or "", question.text, turn.transcript, files, events=turn.events)
    record = replace(record, asked_at=turn.asked_at, changes_user=turn.changes_user)
    return as_talk(record) if isinstance(turn, LiveTurn) else record
