"""The pages that Gemini has read by its `url_context` tool, as its answer names them.

ADK 2.13 drops them (`LlmResponse.create`, adk/models/llm_response.py). So they are noted where the
answer is read from the line, and given to ADK as metadata of the whole response, which it keeps.
"""

import json
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from google.adk.models import LlmResponse

from agent.core.sources import PAGES_READ

# The key of such a part of an answer. What has no such key need not be parsed.
PAGES_KEY = '"urlContextMetadata"'

# What the model call that runs has named so far; its answer is read in a task of its own.
_named: ContextVar[dict[str, str] | None] = ContextVar("pages_read", default=None)


def begin() -> dict[str, str]:
    """Begin a model call; what becomes of each page that it names, by addresses."""
    named: dict[str, str] = {}
    _named.set(named)
    return named


def note(raw: str) -> None:
    """Note what an event of a stream names, or a whole answer."""
    named = _named.get()
    if named is None or PAGES_KEY not in raw:
        return
    with suppress(ValueError):
        named |= _pages(json.loads(raw.strip().removeprefix("data: ")))


def add_to(response: LlmResponse, named: dict[str, str]) -> None:
    """Tell ADK with a whole response what its call has named."""
    if named and not response.partial and response.content:
        pages = [{"address": address, "status": status} for address, status in named.items()]
        response.custom_metadata = {**(response.custom_metadata or {}), PAGES_READ: pages}


def _pages(answer: Any) -> dict[str, str]:
    match answer:
        case {"candidates": [{"urlContextMetadata": {"urlMetadata": [*found]}}, *_]}:
            return {
                str(page["retrievedUrl"]): str(page.get("urlRetrievalStatus", ""))
                for page in found
                if isinstance(page, dict) and page.get("retrievedUrl")
            }
    return {}
