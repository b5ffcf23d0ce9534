"""A program's sessions: each goes on by its id, which is random and made here, and which is enough
where nobody has signed in. Those of a person who has are that person's, as on the page."""

import asyncio
from collections.abc import Callable

from fastapi import HTTPException

from agent.api.errors import check_admitted
from agent.chat.agents import Agents
from agent.chat.registry import ActiveConversation
from agent.chat.streams import DeltaLog
from agent.chat.turn import Turn
from agent.core.notices import Notice, PlainError
from agent.core.question import Question
from agent.core.visitor import Person, visitor_id

UNKNOWN_SESSION = (
    "There is no such session: it may have been idle for too long. Leave session_id out "
    "to begin a new one."
)

# The statuses of replies that are not taken: nothing waits for them, any more, or they do not fit.
NOT_TAKEN = {"answered_already": 409, "lapsed": 409, "reply_missing": 422, "wrong_reply": 422}

# The same of keys and of files.
NOT_TAKEN |= dict.fromkeys(("keys_not_taken", "no_key_form"), 422)
NOT_TAKEN |= dict.fromkeys(("file_gone", "files_too_large", "too_many_files", "wrong_file"), 422)


async def find(agents: Agents, session_id: str, person: Person | None = None) -> ActiveConversation:
    """The session with this id, of who has signed in if anybody has.

    Raises:
        HTTPException: 404 where there is none.
        StoreUnavailable: if it cannot be looked up.
    """
    if active := await agents.find(owner_of(session_id, person), session_id):
        return active
    raise HTTPException(404, UNKNOWN_SESSION)


def owner_of(session_id: str, person: Person | None) -> str:
    """The user id under which a program finds the session."""
    return person.user_id if person else visitor_id(session_id)


async def begin(
    agents: Agents,
    question: Question,
    session_id: str | None,
    agent: str | None = None,
    person: Person | None = None,
) -> tuple[ActiveConversation, DeltaLog]:
    """Ask or reply in a session, or without an id in a new one with the agent of this name, or with
    the first that works; its answer, which has begun. The session is that of who has signed in, if
    anybody has.

    Raises:
        HTTPException: 404, 409, 422 or 429 with a sentence, where it is not answered.
        StoreUnavailable: if the session cannot be looked up.
    """
    if agent and agent not in agents.names:
        raise HTTPException(422, f"agent: {agents.no_such(agent).text}")
    active = await (
        find(agents, session_id, person) if session_id else open_new(agents, agent, person)
    )
    if session_id and active.is_busy:
        raise HTTPException(409, Notice("busy").text)

    def forget_if_empty() -> None:
        if not active.conversation.turns:
            agents.forget_soon(active.conversation.key)

    before = active.log, active.turns
    log = active.ask(question)
    try:
        await check_admitted(log.turn, forget_if_empty)
        _check_taken(log.turn, forget_if_empty)
    except asyncio.CancelledError:  # Whoever asked has left already.
        log.turn.stop()
        raise
    except HTTPException:
        if active.log is log:  # The answer before can still be taken up.
            active.log, active.turns = before
        raise
    return active, log


async def open_new(agents: Agents, agent: str | None, person: Person | None) -> ActiveConversation:
    """A new session with the agent of this name, or with the first that works; that of who has
    signed in, if anybody has."""
    registry = await agents.get(agent or agents.first_name)
    return registry.open(person.user_id if person else None)


def _check_taken(turn: Turn, forget: Callable[[], None]) -> None:
    """Raise HTTPException for replies or files that were not taken, of which nothing was sent."""
    error = turn.failure
    if isinstance(error, PlainError) and error.notice.code in NOT_TAKEN:
        forget()
        raise HTTPException(NOT_TAKEN[error.notice.code], error.notice.text)
