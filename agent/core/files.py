"""Pictures and other files in an answer: made by the model, returned by a tool, or saved by one."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from google.adk.events import Event
from google.genai import types

# What ADK puts before the name of an artifact that belongs to the user, not to the session
# (adk/artifacts/base_artifact_service.py).
USERS = "user:"


@dataclass(frozen=True)
class File:
    """One file. Its content is in the session itself (`data`), in ADK's artifact service
    (`version`; `kept_as` once it has been looked up), or on the web (`address`)."""

    mime_type: str
    data: bytes = b""
    source: tuple[str, str | None] = ("", None)
    # "" where it has none.
    name: str = ""
    # Of an artifact: ADK counts them from 0.
    version: int | None = None
    address: str = ""
    # Under which name the page finds an artifact's content (agent/render/media.py); "" where that
    # is not known, or not there any more.
    kept_as: str = ""
    # In bytes, of an artifact that has been looked up.
    size: int = 0

    @property
    def shown_name(self) -> str:
        """Its name as people know it; "" where it has none."""
        return self.name.removeprefix(USERS)


def of_part(part: types.Part | types.FunctionResponsePart, event: Event) -> File | None:
    """The file that a part is; None where it is none."""
    source = (event.author, event.branch)
    if blob := part.inline_data:
        name = blob.display_name or ""
        return File(blob.mime_type or "", blob.data or b"", source, name)
    if found := part.file_data:
        address = found.file_uri or ""
        name = found.display_name or unquote(urlsplit(address).path.rpartition("/")[2])
        return File(found.mime_type or "", source=source, name=name, address=address)
    return None


def returned(response: types.FunctionResponse, event: Event) -> Iterator[File]:
    """The files among what a tool has returned."""
    for part in response.parts or ():
        if file := of_part(part, event):
            yield file
    content = (response.response or {}).get("content")
    for item in content if isinstance(content, list) else ():
        if file := _of_mcp(item, event):
            yield file


def _of_mcp(item: Any, event: Event) -> File | None:
    """A picture or a sound as tools of MCP return it."""
    match item:
        case {"type": "image" | "audio", "data": str(data), "mimeType": str(mime_type)}:
            try:
                content = base64.b64decode(data, validate=True)
            except binascii.Error:
                return None
            return File(mime_type, content, (event.author, event.branch))
    return None


def saved(event: Event) -> list[File]:
    """The artifacts that an event says are saved, without what is in them."""
    source = (event.author, event.branch)
    delta = event.actions.artifact_delta.items()
    return [File("", source=source, name=name, version=version) for name, version in delta]
