"""An answer for a reader that takes text alone."""

from typing import assert_never

from agent.core import pauses
from agent.core.files import File
from agent.core.language import _
from agent.core.notices import Notice
from agent.core.pauses import Pause
from agent.core.said import Said
from agent.core.sources import Page, Sources
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
            case Sources():
                sentences.append(lines(entry))
            case Text() | Thought() | ToolCall() | File() | Said():
                pass  # The texts are in `answer`.
            case _:
                assert_never(entry)
    sentences += [f"({notice.text})" for notice in to_come(transcript)]
    return "\n\n".join(filter(None, (clean(answer(transcript)), *sentences)))


def unread(page: Page) -> str:
    """Why a page was not read, behind its name; "" of one that was."""
    match page.failure:
        case None:
            return ""
        case "failed":
            why = _("could not be read")
        case "paywall":
            why = _("not read, as it has to be paid for")
        case "unsafe":
            why = _("not read, as it is not safe")
        case _:
            assert_never(page.failure)
    return f" ({why})"


def lines(sources: Sources) -> str:
    """The sources as a line of text each."""
    pages = [
        f"[{number}] {' '.join(filter(None, dict.fromkeys((page.title, page.address))))}"
        f"{unread(page)}"
        for number, page in enumerate(sources.pages, 1)
    ]
    return "\n".join([_("Sources:"), *pages]) if pages else ""
