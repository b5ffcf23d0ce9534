"""An answer for a reader that takes text alone."""

from typing import assert_never

from agent.core import pauses
from agent.core.files import File
from agent.core.notices import Notice
from agent.core.pauses import Pause
from agent.core.text import clean
from agent.core.transcript import Text, Thought, ToolCall, Transcript, answer
from agent.core.waiting import to_come


def to_text(transcript: Transcript) -> str:
    """The answer for a program that takes text alone, with the app's own sentences in brackets
    below it."""
    sentences = []
    for entry in transcript:
        match entry:
            case Notice():
                sentences.append(f"({entry.text})")
            case Pause():
                sentences.append(f"({pauses.sentence(entry).text})")
            case Text() | Thought() | ToolCall() | File():
                pass  # The texts are in `answer`.
            case _:
                assert_never(entry)
    sentences += [f"({notice.text})" for notice in to_come(transcript)]
    return "\n\n".join(filter(None, (clean(answer(transcript)), *sentences)))
