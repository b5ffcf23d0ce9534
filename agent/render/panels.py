"""Chat messages with a title, and the plain text of a chat message."""

import re
from typing import Any, TypeAlias

from agent.core.language import _
from agent.core.text import clean

Message: TypeAlias = dict[str, Any]

Content: TypeAlias = dict[str, str]

# How many characters of a name, or of a tool's arguments, a panel's title shows.
MAX_TITLE_PART = 80


def panel(title: str, text: str = "", **metadata: Any) -> Message:
    """A panel with this title, in Markdown; `metadata` as Gradio knows it."""
    return {
        "role": "assistant",
        "content": text_content(text),
        "metadata": {"title": title, **metadata},
    }


def next_agent(title: str, name: str, **status: Any) -> Message:
    """A line about the next agent; `title` has a place for its name."""
    return panel(named(title, name), _("Another agent goes on from here."), **status)


def named(title: str, name: str) -> str:
    """A title with a name put into it, cut and as plain text."""
    return title.format(name=plain(" ".join(clean(name).split())[:MAX_TITLE_PART]))


def plain(text: str) -> str:
    """Text as Markdown without any: no link, picture or formula."""
    markup = r"[^\w \n]|\b_+|_+\b|__+"
    return re.sub(markup, lambda found: "".join(f"&#{ord(char)};" for char in found[0]), text)


def text_content(text: str) -> Content:
    """Text as the content of a message."""
    return {"type": "text", "text": clean(text)}
