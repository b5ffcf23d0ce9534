"""A turn that waits for a person: taken up with the replies, or closed because nobody replies."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from google.adk.events import Event
from google.adk.sessions import Session
from google.genai import types

from agent.chat.approvals import approved_arguments, argument_error
from agent.chat.session_sync import SessionSync
from agent.core import forms, pauses
from agent.core.history import TurnRecord
from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply
from agent.core.question import Question
from agent.core.transcript import ToolCall, encloses
from agent.core.waiting import open_calls, open_pauses


async def find(sync: SessionSync, question: Question) -> tuple[Session, TurnRecord]:
    """The session, and the turn in it that waits for what the question brings.

    Raises:
        PlainError: if none does, any more.
    """
    session = await sync.read()
    for record in sync.learn(session):
        pause_ids = {pause.id for pause in open_pauses(record.transcript)}
        calls = open_calls(record.transcript).keys()
        is_asked = not question.replies.keys().isdisjoint(pause_ids)
        waits = bool(question.results) and question.results.keys() <= calls
        if session and (is_asked or waits):
            return session, record
    raise PlainError("answered_already")


def _content(record: TurnRecord, results: Mapping[str, dict[str, Any]]) -> types.Content:
    """What long-running tools have given in the end, as ADK takes it."""
    names = open_calls(record.transcript)
    responses = [
        types.FunctionResponse(id=id, name=names[id], response=result)
        for id, result in results.items()
    ]
    parts = [types.Part(function_response=response) for response in responses]
    return types.Content(role="user", parts=parts)


async def take_up(
    sync: SessionSync, session: Session, record: TurnRecord, question: Question, seconds: float
) -> tuple[TurnRecord, types.Content | None]:
    """The turn that goes on, and the replies or results as ADK takes them; None where only sign-ins
    have been declined: ADK knows nothing of those.

    Args:
        sync: What is known of the session.
        session: As it is stored.
        record: The turn that waits.
        question: What it has waited for.
        seconds: How long a pause waits for its reply before it lapses; 0 for ever.

    Raises:
        PlainError: if one is missing, has lapsed, or is not what was asked for.
    """
    if question.results and not question.replies:
        return record, _content(record, question.results)
    awaited, replies = open_pauses(record.transcript), question.replies
    if any(pauses.has_lapsed(pause, seconds) for pause in awaited):
        await close_all(sync)
        raise PlainError("lapsed")
    if missing := [pause for pause in awaited if pause.id not in replies]:
        raise PlainError("reply_missing", what=pauses.sentence(missing[0]).text)
    given = {pause.id: _complete(pause, replies[pause.id], sync.agent) for pause in awaited}
    changed = {p.call_id: given[p.id].args for p in awaited if given[p.id].is_approved}
    approved_arguments.set(changed)  # In the turn's own task, and so for this turn alone.
    calls = _calls(session)
    # ADK knows no refusal of a sign-in; and one of an input only as a value, which fails.
    refused = [p for p in awaited if not given[p.id].is_approved]
    declined = [p for p in refused if p.kind in (*pauses.SECRET_KINDS, "input")]
    taken = [p for p in awaited if p not in declined]
    # ADK keeps from the model whatever comes together with an approval or a sign-in, which are
    # nothing for it (adk/flows/llm_flows/context/_contents.py).
    is_kept = any(p.kind in ("approval", *pauses.SECRET_KINDS) for p in taken)
    first = [p for p in taken if is_kept and p.kind == "choice"]
    if declined:
        await _close(sync, session, record, declined)
    early = [pauses.response(pause, given[pause.id], calls[pause.id].call) for pause in first]
    early += _content(record, question.results).parts or []
    for part in early:
        assert part.function_response
        await sync.append(calls[part.function_response.id or ""].answered("user", part), session)
    if declined or early:
        record = next(known for known in sync.learn(await sync.read()) if known.id == record.id)
    parts = [
        pauses.response(pause, given[pause.id], calls[pause.id].call)
        for pause in taken
        if pause not in first
    ]
    return record, types.Content(role="user", parts=parts) if parts else None


def _complete(pause: Pause, reply: Reply, agent: object) -> Reply:
    """A reply with the values of its form, once they are what was asked for and the tool takes."""
    given = forms.complete(pause, reply)
    if given.args is not None and (wrong := argument_error(agent, pause.tool, given.args)):
        raise PlainError("wrong_reply", what=wrong)
    return given


async def close_all(sync: SessionSync) -> bool:
    """Decline all that a person has been asked, because a newer message comes instead; whether
    anything was asked. Were it answered later, ADK would put the newer turn before the end of the
    older one.
    """
    waiting = [record for record in sync.turns if open_pauses(record.transcript)]
    session = await sync.read() if waiting else None
    for record in waiting:
        if session:
            await _close(sync, session, record, open_pauses(record.transcript))
    if waiting:
        sync.learn(await sync.read())
    return bool(waiting)


async def _close(
    sync: SessionSync, session: Session, record: TurnRecord, awaited: Sequence[Pause]
) -> None:
    """Store that the person has declined, and what the tools that waited have given."""
    calls, no = _calls(session), Reply(is_approved=False)
    rejected: set[str] = set()
    for pause in awaited:
        request = calls[pause.id]
        part = pauses.response(pause, no, request.call)
        await sync.append(request.answered("user", part), session)
        rejected |= {
            entry.id
            for entry in record.transcript
            if isinstance(entry, ToolCall)
            and entry.seconds is None
            and (entry.id == pause.call_id or encloses(entry, pause.source))
        }
        rejected.discard(
            request.event.isolation_scope or ""
        )  # A task goes on with the next message.
    for call_id in sorted(rejected & calls.keys()):
        call, event = calls[call_id]
        error = {"error": pauses.REJECTED}
        given = types.FunctionResponse(id=call.id, name=call.name, response=error)
        part = types.Part(function_response=given)
        await sync.append(calls[call_id].answered(event.author, part), session)


class _Call(NamedTuple):
    """A call, and the event in which it is stored."""

    call: types.FunctionCall
    event: Event

    def answered(self, author: str, part: types.Part) -> Event:
        """The event that answers it, where it was called: ADK shows an agent in task mode nothing
        else."""
        return Event(
            invocation_id=self.event.invocation_id,
            author=author,
            branch=None if author == "user" else self.event.branch,
            isolation_scope=self.event.isolation_scope,
            content=types.Content(role="user", parts=[part]),
        )


def _calls(session: Session) -> dict[str, _Call]:
    return {
        call.id or "": _Call(call, event)
        for event in session.events
        for call in event.get_function_calls()
    }
