"""How a turn is let through its visitor's limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.chat.turn import Turn
from agent.core.notices import PlainError
from agent.core.question import Question
from agent.limits.rate_limits import Limits


@asynccontextmanager
async def admitted(
    turn: Turn, question: Question, limits: Limits | None, user_id: str, turns: int
) -> AsyncIterator[None]:
    """While inside, the turn is within its visitor's limits, and counts in them.

    Args:
        turn: The turn that answers.
        question: What is asked, and from where.
        limits: What the visitor may do; without them, everything.
        user_id: Whose conversation it is.
        turns: How many turns the conversation has had.

    Raises:
        PlainError: if nothing is asked.
        LimitExceeded: if a limit is reached.
    """
    if not (question.text.strip() or question.files or question.resumes):
        raise PlainError("no_message")
    if limits is None:
        yield
        return
    async with limits.admit(
        # A question may be asked apart from its visitor's chats (agent/chat/comparison.py).
        question.visitor.user_id or user_id,
        question.visitor.address,
        message="" if question.is_checked else question.text,
        turns=0 if question.is_checked else turns,
        is_stopping=turn.is_stopping,
        resumes=question.resumes,
    ):
        yield


async def count_on_key(turn: Turn, limits: Limits | None, resumes: bool = False) -> None:
    """Count the turn on the host's key. The offline model answers it where that key is used up: the
    agent's own model costs the host, the offline one nobody."""
    if limits is None:
        return
    is_on_own_key = turn.spent.is_on_own_key
    if reason := await limits.why_offline(resumes=resumes, is_on_own_key=is_on_own_key):
        turn.spent.is_offline = True
        turn.add_notice(reason)
