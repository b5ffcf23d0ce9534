"""What the agent is told when something is asked."""

from dataclasses import replace

from google.genai import types

from agent.chat import pauses, sent_files
from agent.chat.session_sync import SessionSync
from agent.chat.turn import Turn
from agent.core.question import Question
from agent.core.settings import Settings


async def message(
    sync: SessionSync, turn: Turn, question: Question, settings: Settings
) -> tuple[Question, types.Content | None]:
    """Make of a question what ADK is given: the reply for which the turn has waited; or a message,
    which closes all pauses that are still open. The session is in the store afterwards.

    Returns:
        The question as it is shown, with its files as they are kept; and what ADK is given: None
        where nothing is to be run.

    Raises:
        PlainError: if the question cannot be asked so, with a sentence for the visitor.
    """
    if question.resumes:
        stored, record = await pauses.find(sync, question)
        turn.resume(record)
        shown = replace(question, text=record.question, files=record.files)
        record, content = await pauses.take_up(
            sync, stored, record=record, question=question, seconds=settings.reply_timeout
        )
        turn.resume(record)
        return shown, content
    files = await sent_files.read(question.files, settings)
    if sync.is_stored:
        turn.changes_earlier = await pauses.close_all(sync)
    else:
        await sync.create()
    files = await sent_files.save(files, sync.runner, sync.key)
    parts = list(sent_files.to_parts(files))
    if question.text or not parts:
        parts.insert(0, types.Part(text=question.text))
    kept = [replace(file, data=b"") for file in files]
    return replace(question, files=kept), types.UserContent(parts)
