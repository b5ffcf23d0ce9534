"""The files that a visitor sends with a message: given to the agent, and saved as artifacts of the
session under their names, where ADK's `load_artifacts` finds them."""

import asyncio
import logging
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath

from google.adk.agents.callback_context import CallbackContext
from google.adk.models import LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin
from google.adk.runners import Runner
from google.genai import types

from agent.core.file_types import recognise
from agent.core.files import File
from agent.core.notices import PlainError
from agent.core.settings import Settings
from agent.core.visitor import SessionKey
from agent.render import media
from agent.render.file_links import kinds, safe_name, true_name

log = logging.getLogger(__name__)

# Files of one message.
MAX_FILES = 10

# Bytes of all files of one message: Gemini takes requests of 20 MB
# (https://ai.google.dev/gemini-api/docs/image-understanding), in which three bytes take four.
MAX_BYTES = 14_000_000

# What the model reads in the place of a file.
LEFT_OUT = "(The file {name} was sent here. It is left out now, because later files need the room.)"

# Seconds for the artifact service to take one; it may be another machine.
SAVING_TIMEOUT = 10.0


def largest(settings: Settings) -> int:
    """Bytes that one file may have."""
    return min(int(settings.max_file_size * 1_000_000) or MAX_BYTES, MAX_BYTES)


async def read(files: Sequence[File], settings: Settings) -> list[File]:
    """The files with what is in them, and what that is, whatever was said of it.

    Raises:
        PlainError: if there are too many, or one is gone, or may not be sent here.
    """
    if len(files) > MAX_FILES:
        raise PlainError("too_many_files", most=MAX_FILES)
    if sum(map(media.size, files)) > MAX_BYTES:
        raise PlainError("files_too_large", megabytes=MAX_BYTES / 1_000_000)
    return [await asyncio.to_thread(_read, file, settings) for file in files]


def _read(file: File, settings: Settings) -> File:
    content = media.content(file)
    if content is None:
        raise PlainError("file_gone", name=file.shown_name)
    mime_type, data = recognise(content)
    check_type(mime_type, settings)
    name = true_name(file.name, mime_type)
    return replace(file, name=name, mime_type=mime_type, data=data, size=len(data))


def check_type(mime_type: str, settings: Settings) -> None:
    """Raise PlainError for a file that a visitor may not send."""
    if not settings.accepted_types:
        raise PlainError("no_files")
    if mime_type not in settings.accepted_types:
        raise PlainError("wrong_file", kinds=kinds(settings.accepted_types))


def taken(content: bytes, name: str, settings: Settings) -> File:
    """A file that comes with its content, by this name.

    Raises:
        PlainError: if it may not be sent here.
    """
    if not content:
        raise PlainError("file_empty")
    mime_type, data = recognise(content)
    check_type(mime_type, settings)
    if len(data) > largest(settings):
        raise PlainError("file_too_large", megabytes=largest(settings) / 1_000_000)
    return File(mime_type, data, name=true_name(safe_name(name) or "file", mime_type))


async def save(files: Sequence[File], runner: Runner, key: SessionKey) -> list[File]:
    """Save them as artifacts. A name that the session has already gets a number. An artifact
    service that fails keeps nobody from being answered."""
    service, named = runner.artifact_service, list[File]()
    if not (files and service):
        return list(files)
    try:
        async with asyncio.timeout(SAVING_TIMEOUT):
            taken = set(await service.list_artifact_keys(**key._asdict()))
            for file in files:
                name = _free_name(file.name, taken)
                taken.add(name)
                blob = types.Blob(data=file.data, mime_type=file.mime_type)
                part = types.Part(inline_data=blob)
                await service.save_artifact(**key._asdict(), filename=name, artifact=part)
                named.append(replace(file, name=name))
    except Exception as error:  # A service may be of any class.
        log.warning("A file of a visitor's is no artifact: %r", error)
    return [*named, *files[len(named) :]]


def to_parts(files: Sequence[File]) -> Iterator[types.Part]:
    """The files as the agent gets them."""
    for file in files:
        blob = types.Blob(data=file.data, mime_type=file.mime_type, display_name=file.name)
        yield types.Part(inline_data=blob)


class RequestSize(BasePlugin):
    """Keeps the files in a request to a model as few as Gemini takes: in the place of the oldest
    the model is told that they were there."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_request_size")

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """Leave them out; the session has them."""
        parts = [part for content in llm_request.contents for part in content.parts or ()]
        blobs = [part.inline_data for part in parts if part.inline_data]
        if sum(len(blob.data or b"") for blob in blobs) <= MAX_BYTES:
            return None
        left, contents = MAX_BYTES, list[types.Content]()
        for content in reversed(llm_request.contents):
            parts = []
            for part in reversed(content.parts or []):
                blob = part.inline_data or types.Blob()
                left -= len(blob.data or b"")
                if blob.data and left < 0:
                    part = types.Part(text=LEFT_OUT.format(name=blob.display_name or ""))
                parts.append(part)
            contents.append(content.model_copy(update={"parts": parts[::-1]}))
        llm_request.contents = contents[::-1]
        return None


async def delete(files: Sequence[File], runner: Runner, key: SessionKey) -> None:
    """Delete the artifacts of messages that are taken back."""
    if service := runner.artifact_service:
        for file in files:
            with suppress(Exception):  # A service may be of any class.
                await service.delete_artifact(**key._asdict(), filename=file.name)


def _free_name(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken: "cat (2).png"."""
    path, number = PurePosixPath(name), 1
    while name in taken:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    return name
