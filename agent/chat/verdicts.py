"""A tester says how a task went (agent/chat/task_list.py): what is kept of it, and with what."""

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from agent.chat.agent_tree import version_of
from agent.chat.rating import finding_about
from agent.chat.registry import Registry
from agent.chat.task_list import task_list
from agent.chat.versions import app_version
from agent.core.feedback import (
    BAD,
    GOOD,
    MAX_WORDS,
    NO_CHAT,
    TASK,
    TASK_KEY,
    UNSURE,
    Finding,
    Opinion,
    without_chat,
)
from agent.core.notices import PlainError
from agent.core.text import clean

# Characters of what a tester wants to be called; more is left out.
MAX_NAME = 100


async def verdicts(registry: Registry, user_id: str) -> dict[str, Finding]:
    """What a tester has found of tasks, by their ids, also of those that are on the list no more.

    Raises:
        StoreUnavailable: if that cannot be looked up.
    """
    kept = await registry.feedback.of_chat(user_id, NO_CHAT)
    return {str(finding.task.get("id")): finding for finding in kept.values()}


async def judge(
    registry: Registry, user_id: str, given: Mapping[str, Any], name: str, address: str | None
) -> Finding | None:
    """Keep how a task went, or take that back.

    Args:
        registry: Of the agent that is tested.
        user_id: The tester's.
        given: What the browser sends: the `task`, its `verdict`, a `word` on it, and the `chat` in
            which it was tried; of that only one of the tester's own is believed.
        name: What the tester wants to be called.
        address: The tester's network address, for the limits.

    Returns:
        What is stored now.

    Raises:
        PlainError: for what cannot be stored, with a sentence for the tester.
    """
    await registry.limits.admit_rating(user_id, address)
    kept = (await verdicts(registry, user_id)).get(str(given.get("task")))
    verdict, word = given.get("verdict"), clean(str(given.get("word") or "")).strip()
    if verdict not in (GOOD, BAD, UNSURE):
        await registry.feedback.withdraw(user_id, NO_CHAT, f"{TASK_KEY}{given.get('task')}")
        return None
    if len(word) > MAX_WORDS:
        raise PlainError("feedback_too_long", longest=MAX_WORDS)
    listed = {task.id: asdict(task) for task in task_list(registry.loaded).tasks}
    task = listed.get(str(given.get("task"))) or (kept and kept.task)
    if not task:
        raise PlainError("no_such_task")
    opinion = Opinion(verdict, comment=word, expected=task["should"] if verdict == BAD else "")
    finding = await _tried(registry, user_id, str(given.get("chat") or ""), opinion)
    if finding is None and kept:
        # The conversation in which it was tried, as it was then.
        finding = replace(kept, opinion=opinion, at=time.time())
    elif finding is None and not word:
        raise PlainError("task_untried")
    finding = replace(
        finding or _untried(registry, user_id, opinion),
        kind=TASK,
        task=task,
        tester=clean(name).strip()[:MAX_NAME],
        # What the host has written to it stays.
        expectation=kept.expectation if kept else None,
    )
    await registry.feedback.keep(finding)
    return finding


async def rename(registry: Registry, user_id: str, name: str, address: str | None) -> None:
    """Have a tester called so in all that was found."""
    await registry.limits.admit_rating(user_id, address)
    for finding in (await verdicts(registry, user_id)).values():
        await registry.feedback.keep(replace(finding, tester=clean(name).strip()[:MAX_NAME]))


async def _tried(
    registry: Registry, user_id: str, session_id: str, opinion: Opinion
) -> Finding | None:
    """The conversation in which a task was tried, up to the last answer that is over; None where
    nothing was said."""
    active = await registry.find(user_id, session_id)
    if active is None:
        return None
    conversation = active.conversation
    await conversation.refresh()
    if not conversation.turns:
        return None
    return await finding_about(registry, conversation, conversation.turns[-1], opinion, TASK)


def _untried(registry: Registry, user_id: str, opinion: Opinion) -> Finding:
    """A verdict without a conversation."""
    return without_chat(
        Finding(
            user_id=user_id,
            session_id="",
            turn_id="",
            opinion=opinion,
            at=time.time(),
            question="",
            answer="",
            agent=registry.agent_name,
            agent_version=version_of(registry.loaded.runner.agent),
            app_version=app_version(),
        )
    )
