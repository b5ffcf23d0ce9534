"""A chat as a file, for the browser to save."""

import asyncio
from base64 import b64encode
from collections.abc import Callable

from google.adk.sessions import Session

from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.chat.report import report
from agent.core.history import TurnRecord
from agent.render import export

# As a text.
KINDS = "md", "html", "json"


async def exported(
    registry: Registry, conversation: Conversation, kind: str
) -> dict[str, str] | None:
    """The conversation as an "md", "html" or "json", or a report of it as a "zip"; None where
    nothing was said.

    Returns:
        Its `name`, and what is in it: `text`, or of a zip `base64`.
    """
    if kind == "zip":
        packed = await report(registry, conversation)
        name = f"{export.file_name(conversation.title)} (report).zip"
        return {"name": name, "base64": b64encode(packed).decode()} if packed else None
    history, session = await conversation.history(), await conversation.session()
    if not (history and session) or kind not in KINDS:
        return None
    to_text = _writers(registry, conversation, history, session)[kind]
    text = await asyncio.to_thread(to_text)
    return {"name": f"{export.file_name(conversation.title)}.{kind}", "text": text}


def _writers(
    registry: Registry, conversation: Conversation, history: list[TurnRecord], session: Session
) -> dict[str, Callable[[], str]]:
    said = history, conversation.title, registry.agent_name, registry.settings
    return {
        "md": lambda: export.to_markdown(*said),
        "html": lambda: export.to_html(*said, registry.loaded.look.accent),
        "json": lambda: export.to_adk(session, conversation.title),
    }
