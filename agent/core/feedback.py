"""What a visitor thinks of an answer, and a frozen copy of that answer: a finding.

The copy outlasts an Undo. It holds what a test of the agent needs: the question, the answer, the
calls of tools, and what the answer should have been.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from agent.core.history import TurnRecord
from agent.core.language import N_
from agent.core.notices import Notice, PlainError
from agent.core.pauses import Pause
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

# The ratings; "" is none. Unsure one can be of a task alone.
GOOD, BAD, UNSURE = "up", "down", "unsure"

# Characters that a visitor may write in each field, and as many of a passage that is marked.
# Chosen, not measured: more is an essay, and each finding is read as a whole in a list.
MAX_WORDS = 2_000

# What a finding is about: an answer; all of a chat, which a visitor gives as an example; or a task
# that testers are asked to do (agent/core/tester_tasks.py), and how that went.
ANSWER, CHAT, TASK = "answer", "chat", "task"

# How the key of a finding about a task begins; and in the place of a conversation's id, that it
# belongs to none: it outlasts the conversation in which the task was tried.
TASK_KEY, NO_CHAT = "task ", ""

# So many turns above one are kept with it, as many as a chat has by default. A test asks all of
# them each time.
MAX_BEFORE = 50

# Why a test cannot ask a turn once more: by `why_not` of what is kept of it.
WHY_NOT = {
    "file": "it has files",
    "person": "it asks a person",
    "program": "it waits for a program",
    "unasked": "it answers no question",
    "long": f"it stands below more than {MAX_BEFORE} others",
    "untried": "there is no conversation with it",
}

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
    # ANSWER; or CHAT, or TASK, of whose conversation this is the last turn.
    kind: str = ANSWER
    # The turns above it that the agent remembers, the oldest first: {"question", "why_not"} of
    # each, and of a chat {"answer", "tools"}, too.
    before: tuple[Mapping[str, Any], ...] = ()
    # Why a test cannot ask it: "", or one of `WHY_NOT`.
    why_not: str = ""
    # The state with which the chat began, without secrets.
    state: Mapping[str, Any] = field(default_factory=dict)
    # What the host looks for in a right answer (agent/core/expectation.py); None: has not said.
    expectation: Mapping[str, Any] | None = None
    # The fields of a `Task`; and what its tester wants to be called.
    task: Mapping[str, Any] = field(default_factory=dict)
    tester: str = ""

    @property
    def key(self) -> str:
        """What tells it from others in the same place."""
        if self.kind == TASK:
            return f"{TASK_KEY}{self.task.get('id')}"
        return CHAT if self.kind == CHAT else self.turn_id

    @property
    def place(self) -> str:
        """The conversation with which it is kept, and goes; or `NO_CHAT`."""
        return NO_CHAT if self.kind == TASK else self.session_id

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


def frozen_copy(turn: TurnRecord, replied: Container[str] = ()) -> dict[str, Any]:
    """What a finding keeps of a turn, by the fields of `Finding`; `replied` are the invocations
    that went on with what somebody answered to a call."""
    calls = [entry for entry in turn.transcript if isinstance(entry, ToolCall)][:MAX_TOOLS]
    return {
        "turn_id": turn.id,
        "question": clean(turn.question),
        "answer": clean(answer(turn.transcript))[:MAX_ANSWER],
        "tools": tuple(map(_frozen_call, calls)),
        "notes": tuple(entry.english for entry in turn.transcript if isinstance(entry, Notice)),
        "files": tuple(clean(file.shown_name) for file in turn.files),
        "models": turn.usage.models,
        "why_not": _why_not(turn, replied),
    }


def frozen_turns(
    turns: Iterable[TurnRecord], replied: Container[str], is_whole: bool
) -> tuple[Mapping[str, Any], ...]:
    """What a finding keeps of the turns above; of a chat that is an example, the answers too."""
    names = ("question", "why_not", *(("answer", "tools") if is_whole else ()))
    copies = (frozen_copy(turn, replied) for turn in turns)
    return tuple({name: copy[name] for name in names} for copy in copies)


def _why_not(turn: TurnRecord, replied: Container[str]) -> str:
    """Why a test cannot ask this turn once more, by `WHY_NOT`; "" where it can."""
    if turn.files:
        return "file"
    if any(isinstance(entry, Pause) for entry in turn.transcript):
        return "person"
    waits = any(isinstance(entry, ToolCall) and entry.waits_for for entry in turn.transcript)
    if waits or turn.invocation_id in replied:
        return "program"
    return "" if turn.question.strip() else "unasked"


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
    """A finding from a session's state; fields of a later version are left out."""
    known = {field.name: stored[field.name] for field in fields(Finding) if field.name in stored}
    opinion = {name: str(stored["opinion"].get(name, "")) for name in ("rating", *WORDS)}
    names = "tools", "notes", "files", "models", "before"
    lists = {name: tuple(known.get(name, ())) for name in names}
    return Finding(**{**known, **lists, "opinion": Opinion(**opinion)})


def without_chat(finding: Finding) -> Finding:
    """What is left of a finding about a task whose conversation is deleted: the verdict."""
    nothing: dict[str, Any] = dict.fromkeys(("session_id", "turn_id", "question", "answer"), "")
    nothing |= dict.fromkeys(("tools", "notes", "files", "before"), ())
    return replace(finding, **nothing, figures="", state={}, why_not="untried")
