"""The speakers in an answer of several agents: a line where another agent begins, and marks where
branches, which answer at the same time, begin and end."""

from collections.abc import Iterator, Sequence

from agent.core.adk_internals import TRANSFER
from agent.core.branches import name_of
from agent.core.files import File
from agent.core.language import _
from agent.core.notices import Notice
from agent.core.said import Said
from agent.core.transcript import Entry, Text, ToolCall
from agent.render.formulas import MARK
from agent.render.panels import Message, named, next_agent, panel


class Speakers:
    """Makes the lines of one answer.

    Args:
        root_agent: The agent that needs no line, because the page has its name on top.
    """

    def __init__(self, root_agent: str) -> None:
        self._speaker, self._branch = root_agent, ""

    def before(self, branch: str, entry: Entry) -> Iterator[Message]:
        """The lines before an entry of this branch; "" stands for no branch."""
        source = None if isinstance(entry, Notice | Said) else entry.source[0]
        if branch != self._branch:
            self._branch, self._speaker = branch, name_of(branch)
            if branch:
                yield _branch(self._speaker)
            elif source is not None:
                self._speaker = source
                yield next_agent(_("{name} goes on"), source, status="done")
        if isinstance(entry, Text | File) and source != self._speaker:
            if self._speaker:
                yield next_agent(_("{name} answers"), str(source), status="done")
            self._speaker = str(source)
        if isinstance(entry, ToolCall) and entry.name == TRANSFER:
            self._speaker = str(entry.args.get("agent_name"))


def _branch(name: str) -> Message:
    text = _("Several agents answer at the same time. This is one of them.")
    return panel(named(_("{name} answers"), name), text, status="done")


def mark_branches(messages: Sequence[Message], branches: Sequence[str]) -> None:
    """Mark the titles of the messages at which branches begin, and of the one after the last
    branch.

    By these marks the page shows branches side by side (page/static/later/branches.js). The line of
    figures, which has no title, ends them there, too.

    Args:
        messages: All messages of an answer.
        branches: The branch of each of the first messages; all others are in none.
    """
    before = ""
    for message, branch in zip(messages, [*branches, ""], strict=False):
        about = message.get("metadata") or {}
        if branch != before and (title := about.get("title")):
            about["title"] = f"{MARK}{title}" if branch else f"{title}{MARK}"
        before = branch
