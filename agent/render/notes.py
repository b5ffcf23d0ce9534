"""What the app itself says in a chat, as chat messages have it; and the buttons below it."""

from typing import Any

from agent.core.continuing import CONTINUE, TRY_AGAIN, can_continue, can_try_again
from agent.core.language import _
from agent.core.notices import Notice
from agent.core.titles import is_failure, title_of
from agent.core.transcript import Transcript


def own_title(title: str) -> str:
    """A title, which is given in English, as Markdown. A model's words are never set in bold in
    one, and so none of its panels looks like the app's own (messages.css)."""
    return f"**{_(title)}**"


def note(notice: Notice, is_whole: bool) -> tuple[str, str, dict[str, Any]]:
    """Title, text and metadata of a panel; `is_whole` says whether it is for an export."""
    title, text = title_of(notice), notice.text
    if notice.english != f"{title}.":
        own = own_title(title)
        return f"*{own}*" if is_failure(notice) else own, text, {}  # A failure has its own looks.
    # The title says it all: a page has the sentence folded, where nobody opens it.
    return own_title(title), "" if is_whole else text, {} if is_whole else {"status": "done"}


def ways_on(transcript: Transcript) -> list[dict[str, str]]:
    """The buttons below an answer that is not whole, by what they ask."""
    # What is sent to the agent is in the visitor's language; the other is known again by its words.
    ways = (
        (_(CONTINUE), _("Continue"), can_continue),
        (TRY_AGAIN, _("Try again"), can_try_again),
    )
    return [{"value": value, "label": label} for value, label, can in ways if can(transcript)]
