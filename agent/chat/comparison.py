"""The last question of a chat once more, streamed or not, to compare how the two answers come.

The second answer is given in a session of its own, which goes on from what was said before and is
deleted afterwards: the chat stays as it is. Only words are taken over, as with OpenAI's API.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from google.genai import types

from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core import transcript
from agent.core.history import TurnRecord
from agent.core.pauses import Pause
from agent.core.question import Options, Question
from agent.core.transcript import ToolCall, Transcript
from agent.core.visitor import Visitor


def can_be_asked_again(answer: Transcript) -> bool:
    """Whether an answer needed nobody but the model: else the second one would wait for a person or
    another program, or do once more what a person has approved once."""
    return not any(
        isinstance(entry, Pause) or (isinstance(entry, ToolCall) and entry.waits_for)
        for entry in answer
    )


@asynccontextmanager
async def asked_again(
    registry: Registry, turns: Sequence[TurnRecord], visitor: Visitor, options: Options
) -> AsyncIterator[Turn]:
    """The turn that answers the last question of these turns once more, as long as this lasts.

    Args:
        registry: Where it is asked; all its limits hold.
        turns: What was said, the question last.
        visitor: Who asks, for the limits.
        options: How it is to be answered.
    """
    *before, last = turns
    contents = [content for record in before for content in _words(record)]
    question = Question(
        last.question,
        earlier=contents[-registry.settings.history_events :],
        visitor=visitor,
        options=options,
    )
    async with asked_apart(registry, question) as turn:
        yield turn


@asynccontextmanager
async def asked_apart(registry: Registry, question: Question) -> AsyncIterator[Turn]:
    """The turn that answers a question in a session of its own, which lasts as long as this."""
    conversation = registry.open().conversation
    turn = conversation.ask(question)
    try:
        yield turn
    finally:
        registry.forget_soon(conversation.key)  # Which stops the turn, if it is not over.


def _words(record: TurnRecord) -> list[types.Content]:
    question, answer = record.question, transcript.answer(record.transcript)
    contents: list[types.Content] = [types.UserContent(question)] if question else []
    return [*contents, types.ModelContent(answer)] if answer else contents
