"""What a visitor thinks of an answer, and a frozen copy of that answer: a finding.

The copy outlasts an Undo. It holds what a test of the agent needs: the question, the answer, the
calls of tools, and what the answer should have been.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from agent.core.history import TurnRecord
from agent.core.language import N_
from agent.core.notices import Notice, PlainError
from agent.core.text import clean, to_json
from agent.core.transcript import Text, ToolCall, Transcript, answer
from agent.core.waiting import is_waiting

# Why an answer is bad, where the owner's `REASONS` do not say it otherwise.
REASONS = (
    N_("Wrong facts"),
    N_("Incomplete"),
    N_("Did not do what I asked"),
    N_("Wrong tool, or used wrongly"),
    N_("Hard to read"),
    N_("Wrong tone"),
)

# The two ratings; "" is none.
GOOD, BAD = "up", "down"

# Characters that a visitor may write in each field, and as many of a passage that is marked.
# Chosen, not measured: more is an essay, and each finding is read as a whole in a list.
MAX_WORDS = 2_000

# Characters of an answer, of a tool's arguments, and of its result, that a copy keeps; and calls.
MAX_ANSWER, MAX_ARGUMENTS, MAX_RESULT, MAX_TOOLS = 20_000, 5_000, 2_000, 50

# The fields that a visitor fills in.
WORDS = ("reason", "comment", "expected", "passage")


@dataclass(frozen=True)
class Opinion:
    """What a visitor gives."""

    # GOOD or BAD; "" takes the rating back.
    rating: str
    # One of the owner's `REASONS`; "" for none, as for a good answer.
    reason: str = ""
    comment: str = ""
    # What the answer should have been; "" where it is good.
    expected: str = ""
    # The piece of the answer that is meant; "" for all of it.
    passage: str = ""


@dataclass(frozen=True)
class Finding:
    """An opinion, and what it is about. Its fields are stored by these names."""

    user_id: str
    session_id: str
    turn_id: str
    opinion: Opinion
    # When it was given, in seconds since 1970.
    at: float
    question: str
    # The answer's words, without thoughts.
    answer: str
    # Each is {"name", "args", "result", "seconds"}; the result is text, and may be cut.
    tools: tuple[Mapping[str, Any], ...] = ()
    # What the page itself has said below the answer, such as "Stopped.".
    notes: tuple[str, ...] = ()
    # The names of what was sent with the question.
    files: tuple[str, ...] = ()
    # The line of figures below the answer.
    figures: str = ""
    agent: str = ""
    # Changes when the agent's instruction, model or tools do.
    agent_version: str = ""
    # As the models call themselves.
    models: tuple[str, ...] = ()
    app_version: str = ""
    # Whether the host has dealt with it.
    is_done: bool = False

    @property
    def transcript(self) -> Transcript:
        """The frozen answer, to be shown: the calls of tools first."""
        calls = (
            ToolCall(str(number), **{**tool, "args": dict(tool["args"])})
            for number, tool in enumerate(self.tools)
        )
        return (*calls, Text(self.answer), *map(Notice, self.notes))


def can_be_rated(turn_id: str | None, transcript: Transcript) -> bool:
    """Whether that is a turn which is over, and stored."""
    return bool(turn_id) and not is_waiting(transcript)


def parse_opinion(given: Mapping[str, Any], before: Opinion, reasons: Iterable[str]) -> Opinion:
    """What the browser sends of an opinion. Without any words it only rates, and keeps those that
    were there before.

    Raises:
        PlainError: for words that are too long.
    """
    rating = given.get("rating")
    if rating not in (GOOD, BAD):
        return Opinion("")
    words = {name: clean(str(given[name])).strip() for name in WORDS if name in given}
    if any(len(text) > MAX_WORDS for text in words.values()):
        raise PlainError("feedback_too_long", longest=MAX_WORDS)
    opinion = replace(before, rating=rating, **words)
    if opinion.reason not in (*reasons, before.reason):
        opinion = replace(opinion, reason="")
    return replace(opinion, reason="", expected="") if rating == GOOD else opinion


def frozen_copy(turn: TurnRecord) -> dict[str, Any]:
    """What a finding keeps of a turn, by the fields of `Finding`."""
    calls = [entry for entry in turn.transcript if isinstance(entry, ToolCall)][:MAX_TOOLS]
    return {
        "turn_id": turn.id,
        "question": clean(turn.question),
        "answer": clean(answer(turn.transcript))[:MAX_ANSWER],
        "tools": tuple(map(_frozen_call, calls)),
        "notes": tuple(entry.english for entry in turn.transcript if isinstance(entry, Notice)),
        "files": tuple(clean(file.shown_name) for file in turn.files),
        "models": turn.usage.models,
    }


def _frozen_call(call: ToolCall) -> Mapping[str, Any]:
    args = to_json(call.args)
    kept = call.args if len(args) <= MAX_ARGUMENTS else {"…": f"{len(args):,} characters"}
    result = call.result if isinstance(call.result, str) else to_json(call.result)
    frozen = {"name": clean(call.name), "args": kept, "result": clean(result)[:MAX_RESULT]}
    return {**frozen, "seconds": call.seconds}


def to_stored(finding: Finding) -> dict[str, Any]:
    """A finding as a session's state keeps it."""
    return asdict(finding)


def from_stored(stored: Mapping[str, Any]) -> Finding:
    """The same from there; fields of a later version are left out."""
    known = {field.name: stored[field.name] for field in fields(Finding) if field.name in stored}
    opinion = {name: str(stored["opinion"].get(name, "")) for name in ("rating", *WORDS)}
    lists = {name: tuple(known.get(name, ())) for name in ("tools", "notes", "files", "models")}
    return Finding(**{**known, **lists, "opinion": Opinion(**opinion)})
