"""Counts each turn for the host when it is over (agent/core/usage_log.py)."""

import asyncio

from agent.chat.turn import Turn
from agent.core.errors import explain
from agent.core.figures import OFFLINE_VERSION
from agent.core.usage_log import ANSWERED, OFFLINE, UsageLog

# asyncio keeps no hold of its tasks.
_waiting: set[asyncio.Task[None]] = set()


def count_when_over(turn: Turn, user_id: str, log: UsageLog) -> None:
    """Count the turn when it is over, in a task of its own: only then all of it is known."""
    task = asyncio.create_task(_count(turn, user_id, log))
    _waiting.add(task)
    task.add_done_callback(_waiting.discard)


async def _count(turn: Turn, user_id: str, log: UsageLog) -> None:
    await turn.finish()
    usage = turn.usage.so_far()
    is_offline = usage.models == (OFFLINE_VERSION,)
    is_free = is_offline or turn.spent.is_on_own_key
    well = OFFLINE if is_offline else ANSWERED
    log.record(
        user_id,
        explain(turn.failure).code if turn.failure else well,
        (0, 0) if is_free else (usage.prompt, usage.answer),
        turn.figures.first_token,
        turn.seconds if turn.id else None,
    )
