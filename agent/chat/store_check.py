"""Whether chats are kept, and each visitor's apart: tried with two visitors who never come back."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

from google.adk.events import Event
from google.adk.sessions import BaseSessionService
from google.genai import types

from agent.chat.loader import LoadedAgent
from agent.core.checks import Check, unchecked, well, wrong
from agent.core.visitor import visitor_id
from agent.stores.fallback import STORE_TIMEOUT

KEPT, APART = "Chats are kept", "Visitors are apart"

# What the chat says that is stored, and deleted again.
WORDS = "Written by the self-check."

HOW_TO_KEEP = (
    "Let the app write to .adk beside the agent, and set no SESSION_DB; or set "
    "SESSION_DB=sqlite:////FOLDER/session.db, or postgresql+asyncpg://NAME:PASSWORD@HOST/NAME."
)


async def check_store(loaded: LoadedAgent) -> tuple[Check, Check]:
    """Store a chat, and look for it as its visitor after a restart, and as another visitor."""
    if loaded.stores is None:
        why = "The page was made without stores of its own."
        return unchecked(KEPT, why), unchecked(APART, why)
    store, anew = loaded.runner.session_service, loaded.stores.sessions_anew()
    one, other = (visitor_id(uuid4()) for _ in range(2))
    key: dict[str, Any] = {
        "app_name": loaded.runner.app_name,
        "user_id": one,
        "session_id": str(uuid4()),
    }
    try:
        async with asyncio.timeout(2 * STORE_TIMEOUT):
            session = await store.create_session(**key)
            content = types.Content(role="user", parts=[types.Part(text=WORDS)])
            await store.append_event(session, Event(author="user", content=content))
            is_kept = await _holds(anew, key, one)
            is_seen = await _holds(store, key, other)
    except Exception as error:
        # Not its text, which may hold the store's address and password.
        why = f"The store fails ({type(error.__cause__ or error).__name__}): chats are lost."
        return wrong(KEPT, why, HOW_TO_KEEP), unchecked(APART, why)
    finally:
        with suppress(Exception):
            await store.delete_session(**key)
        if hasattr(anew, "close"):
            await anew.close()
    return _kept(is_kept), _apart(is_seen)


async def _holds(store: BaseSessionService, key: dict[str, Any], user_id: str) -> bool:
    """Whether this visitor finds the session, by its id or in the list."""
    found = await store.get_session(**{**key, "user_id": user_id})
    listed = await store.list_sessions(app_name=key["app_name"], user_id=user_id)
    has_words = bool(found and found.events)
    return has_words or key["session_id"] in [session.id for session in listed.sessions]


def _kept(is_kept: bool) -> Check:
    if is_kept:
        return well(KEPT, "What was stored was there again when the store was opened anew.")
    return wrong(KEPT, "What was stored was gone when the store was opened anew.", HOW_TO_KEEP)


def _apart(is_seen: bool) -> Check:
    if is_seen:
        return wrong(
            APART,
            "The store gave one visitor's chat to another.",
            "Take the session service out of the agent's services.py, or have it ask for app_name, "
            "user_id and session_id together.",
        )
    return well(APART, "Another visitor did not find the chat, neither by its id nor in a list.")
