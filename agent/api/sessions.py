"""A program's sessions. Each goes on by its id, which is random and made here.

The id is enough where nobody has signed in. The sessions of a person who has signed in are that
person's alone, as on the page.
"""

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

# The HTTP statuses, by a notice's code, of replies that are not taken: nothing waits for them (any
# more), or they do not fit.
NOT_TAKEN = {"answered_already": 409, "lapsed": 409, "reply_missing": 422, "wrong_reply": 422}

# And of keys and files that are not taken.
NOT_TAKEN |= dict.fromkeys(("keys_not_taken", "no_key_form"), 422)
NOT_TAKEN |= dict.fromkeys(("file_gone", "files_too_large", "too_many_files", "wrong_file"), 422)


async def find(agents: Agents, session_id: str, person: Person | None = None) -> ActiveConversation:
    """The session with this id; where somebody has signed in, only that person's.

    Raises:
        HTTPException: 404 where there is none.
        StoreUnavailable: if it cannot be looked up.
    """
    if active := await agents.find(user_id_of(session_id, person), session_id):
        return active
    raise HTTPException(404, UNKNOWN_SESSION)


def user_id_of(session_id: str, person: Person | None) -> str:
    """The ADK user id under which the session is stored: of the person who has signed in, or else
    one made of the session's id."""
    return person.user_id if person else visitor_id(session_id)


async def begin(
    agents: Agents,
    question: Question,
    session_id: str | None,
    agent: str | None = None,
    person: Person | None = None,
) -> tuple[ActiveConversation, DeltaLog]:
    """Ask or reply in a session; the session, and its answer, which has begun.

    Args:
        agents: Those on show.
        question: The message or the replies.
        session_id: The session to go on with; None for a new one.
        agent: The agent of a new session, by its name; None for the first that works.
        person: Who has signed in, and has the session then; None for nobody.

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

    earlier = active.log
    log = active.ask(question)
    try:
        await check_admitted(log.turn, forget_if_empty)
        _check_taken(log.turn, forget_if_empty)
    except asyncio.CancelledError:  # The client has left.
        log.turn.stop()
        raise
    except HTTPException:
        active.take_back(log, earlier)
        raise
    return active, log


async def open_new(agents: Agents, agent: str | None, person: Person | None) -> ActiveConversation:
    """A new session with the agent of this name, or with the first that works; where somebody has
    signed in, it is that person's."""
    registry = await agents.get(agent or agents.first_name)
    return registry.open(person.user_id if person else None)


def _check_taken(turn: Turn, forget: Callable[[], None]) -> None:
    """Check that the turn's replies, key and files were taken.

    Raises:
        HTTPException: 409 or 422 where they were not; nothing was sent to the agent then.
    """
    error = turn.failure
    if isinstance(error, PlainError) and error.notice.code in NOT_TAKEN:
        forget()
        raise HTTPException(NOT_TAKEN[error.notice.code], error.notice.text)
