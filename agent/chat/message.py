"""What the agent is told when something is asked."""

from dataclasses import replace

from google.genai import types

from agent.chat import pauses, sent_files
from agent.chat.session_sync import SessionSync
from agent.chat.turn import Turn
from agent.core.question import Question
from agent.core.settings import Settings


async def message(
    session: SessionSync, turn: Turn, question: Question, settings: Settings
) -> tuple[Question, types.Content | None]:
    """That for which the turn has waited, if anything; or a message, in whose place nothing is
    answered any more that was asked before. The session is there afterwards.

    Returns:
        The question as it is shown, with its files as they are kept; and what ADK is given: None
        where nothing is to be run.

    Raises:
        PlainError: if it cannot be asked so.
    """
    if question.resumes:
        stored, record = await pauses.find(session, question)
        turn.resume(record)
        shown = replace(question, text=record.question, files=record.files)
        about = stored, record, question, settings.reply_timeout
        record, content = await pauses.take_up(session, *about)
        turn.resume(record)
        return shown, content
    files = await sent_files.read(question.files, settings)
    if session.is_stored:
        turn.changes_earlier = await pauses.close_all(session)
    else:
        await session.create()
    files = await sent_files.save(files, session.runner, session.key)
    parts = list(sent_files.to_parts(files))
    if question.text or not parts:
        parts.insert(0, types.Part(text=question.text))
    kept = [replace(file, data=b"") for file in files]
    return replace(question, files=kept), types.UserContent(parts)
