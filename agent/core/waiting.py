"""What a turn waits for: a person's answer, or a program's result."""

from agent.core import pauses
from agent.core.notices import Notice
from agent.core.pauses import Pause
from agent.core.transcript import ToolCall, Transcript, answer


def open_pauses(transcript: Transcript) -> list[Pause]:
    """What a person is asked and has not answered."""
    return [entry for entry in transcript if isinstance(entry, Pause) and entry.reply is None]


def open_calls(transcript: Transcript) -> dict[str, str]:
    """The names of the long-running tools whose results are still to come, by their calls."""
    return {
        entry.id: entry.name
        for entry in transcript
        if isinstance(entry, ToolCall) and entry.waits_for == "program"
    }


def executed(transcript: Transcript) -> dict[str, str]:
    """The calls that a person has approved and that have been made, as text, by their pauses."""
    made = {
        entry.id
        for entry in transcript
        if isinstance(entry, ToolCall)
        and entry.seconds is not None
        and not entry.waits_for
        and not pauses.was_refused(entry.result)
    }
    return {
        entry.id: pauses.call_text(entry)
        for entry in transcript
        if isinstance(entry, Pause)
        and entry.kind == "approval"
        and entry.reply
        and entry.reply.is_approved
        and entry.call_id in made
    }


def is_waiting(transcript: Transcript) -> bool:
    """Whether the agent waits for somebody, so that its turn goes on later."""
    calls = [entry for entry in transcript if isinstance(entry, ToolCall)]
    return bool(open_pauses(transcript)) or any(call.waits_for for call in calls)


def to_come(transcript: Transcript) -> list[Notice]:
    """What a program is to give later, where the agent itself says nothing."""
    if answer(transcript).strip():
        return []
    names = open_calls(transcript).values()
    return [Notice("result_later", {"what": name}) for name in names]
