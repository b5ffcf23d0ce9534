"""A zip for a developer: of a chat, a visitor's own or one that the host reads about a finding; or
of all that a tester has found of tasks.
"""

import asyncio
from contextlib import suppress

from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.chat.task_list import task_list
from agent.chat.verdicts import verdicts
from agent.chat.versions import versions
from agent.core.feedback import GOOD, NO_CHAT, Finding
from agent.core.history import TurnRecord
from agent.render import findings
from agent.render.report import Chat, to_report
from agent.render.task_report import to_task_report
from agent.render.zip_file import to_zip
from agent.stores.fallback import StoreUnavailable
from agent.stores.feedback import finding_id


async def chat_for_report(
    registry: Registry, conversation: Conversation | None, about: Finding | None = None
) -> Chat | None:
    """What a report of this conversation is about; None where nothing was said.

    Args:
        registry: Of the agent that has answered.
        conversation: None where it is not there any more.
        about: The finding that the report is for. An answer that was taken back since is in it.
    """
    turns = await conversation.history() if conversation else []
    session = await conversation.session() if conversation else None
    kept: list[Finding] = []
    if conversation:
        whose = conversation.user_id, conversation.session_id
        with suppress(StoreUnavailable):
            kept = list((await registry.feedback.of_chat(*whose)).values())
            about_tasks = (await registry.feedback.of_chat(whose[0], NO_CHAT)).values()
            kept += [finding for finding in about_tasks if finding.session_id == whose[1]]
    kept.sort(key=lambda finding: (finding.opinion.rating == GOOD, -finding.at))
    if about:
        kept = [about, *(finding for finding in kept if finding.key != about.key)]
        if about.turn_id and about.turn_id not in {turn.id for turn in turns}:
            turns = [*turns, TurnRecord(about.turn_id, about.question, about.transcript)]
    if not turns:
        return None
    return Chat(
        conversation.title if conversation else turns[0].question,
        turns,
        session,
        [findings.to_record(finding, finding_id(finding)) for finding in kept],
        versions(registry.loaded),
        registry.agent_name,
        registry.loaded.look.accent,
    )


async def report(
    registry: Registry, conversation: Conversation | None, about: Finding | None = None
) -> bytes | None:
    """The report of a chat as a zip; None where there is nothing to report."""
    if chat := await chat_for_report(registry, conversation, about):
        return await asyncio.to_thread(lambda: to_zip(to_report(chat, registry.settings)))
    return None


async def tasks_report(registry: Registry, user_id: str) -> bytes:
    """What a tester has found of all tasks, as a zip, with each chat that tried one.

    Raises:
        StoreUnavailable: if that cannot be looked up.
    """
    found = await verdicts(registry, user_id)
    chats: dict[str, Chat] = {}
    for session_id in dict.fromkeys(finding.session_id for finding in found.values()):
        active = await registry.find(user_id, session_id)
        if chat := await chat_for_report(registry, active.conversation if active else None):
            chats[session_id] = chat
    about = task_list(registry.loaded).tasks, found, chats, versions(registry.loaded)
    return await asyncio.to_thread(lambda: to_zip(to_task_report(*about, registry.settings)))
