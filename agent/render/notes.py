"""The app's own notices as parts of chat messages; and the buttons below an answer."""

from typing import Any

from agent.core.continuing import CONTINUE, TRY_AGAIN, can_continue, can_try_again
from agent.core.language import _
from agent.core.notices import Notice
from agent.core.titles import is_failure, title_of
from agent.core.transcript import Transcript


def own_title(title: str) -> str:
    """An English title in the reader's language, in bold Markdown. Titles with a model's words are
    never bold: so none of its panels looks like the app's own (messages.css)."""
    return f"**{_(title)}**"


def note(notice: Notice, is_whole: bool) -> tuple[str, str, dict[str, Any]]:
    """Title, text and metadata of a panel; `is_whole` says whether it is for an export."""
    title, text = title_of(notice), notice.text
    if notice.english != f"{title}.":
        own = own_title(title)
        return f"*{own}*" if is_failure(notice) else own, text, {}  # Italics: a failure's look.
    # The title is the whole sentence: a page folds the panel, and nobody needs to open it.
    return own_title(title), "" if is_whole else text, {} if is_whole else {"status": "done"}


def ways_on(transcript: Transcript) -> list[dict[str, str]]:
    """The buttons below an answer that is not whole: each one's label, and the message it sends."""
    # "Continue" goes to the agent, and so is in the visitor's language. "Try again" goes to this
    # app, which knows it by its English words.
    ways = (
        (_(CONTINUE), _("Continue"), can_continue),
        (TRY_AGAIN, _("Try again"), can_try_again),
    )
    return [{"value": value, "label": label} for value, label, can in ways if can(transcript)]
