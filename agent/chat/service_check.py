"""Whether files and memories are kept where the host wants them: tried with a visitor who never
comes back, and deleted again."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

from google.adk.artifacts import InMemoryArtifactService
from google.adk.artifacts.base_artifact_service import BaseArtifactService
from google.adk.events import Event
from google.genai import types

from agent.chat.loader import LoadedAgent
from agent.core.checks import Check, unchecked, well, wrong
from agent.core.settings import Settings
from agent.core.visitor import SessionKey, visitor_id
from agent.stores.fallback import STORE_TIMEOUT
from agent.stores.memory import ForgettingMemory, VisitorMemory

FILES, MEMORY = "Files are kept", "Memory"

# What is stored, and deleted again.
CONTENT, FILE_NAME = b"Written by the self-check.", "self-check.txt"

HOW_TO_KEEP_FILES = (
    "Let the app write to the folder that ARTIFACTS names, ARTIFACTS=file:///FOLDER, and see that "
    "its disk is not full; or set ARTIFACTS=gs://BUCKET, with a login that may write to and delete "
    "from that bucket."
)
HOW_TO_REMEMBER = (
    "Correct MEMORY_SERVICE: sqlite:///FILE in a folder that the app can write to; or, for "
    "agentengine://ID and rag://CORPUS, GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION and a login "
    "that may use it."
)


async def check_files(loaded: LoadedAgent) -> Check:
    """Store a file, read it again, and delete it."""
    service = loaded.runner.artifact_service
    if loaded.stores is None or service is None:
        return unchecked(FILES, "The page was made without stores of its own.")
    if type(service) is InMemoryArtifactService:
        return unchecked(
            FILES,
            "Files that are sent and made are in memory, until the app ends.",
            "If they are to outlast that, set ARTIFACTS=file:///FOLDER or gs://BUCKET.",
        )
    key = SessionKey(loaded.runner.app_name, visitor_id(uuid4()), str(uuid4()))
    try:
        async with asyncio.timeout(2 * STORE_TIMEOUT):
            where = {**key._asdict(), "filename": FILE_NAME}
            is_kept, is_deleted = await _try_files(service, where)
    except Exception as error:
        # Not its text, which may hold an address.
        said = f"The store of files fails ({type(error).__name__}): what is sent and made is lost."
        return wrong(FILES, said, HOW_TO_KEEP_FILES)
    if not is_kept:
        return wrong(FILES, "A file that was stored was not there again.", HOW_TO_KEEP_FILES)
    if not is_deleted:
        said = "A file that was deleted was still there: “Forget me” would not delete any."
        return wrong(FILES, said, HOW_TO_KEEP_FILES)
    return well(FILES, "A file was stored, read again, and deleted.")


async def _try_files(service: BaseArtifactService, where: dict[str, Any]) -> tuple[bool, bool]:
    """Whether a file that is stored there is kept, and whether it can be deleted."""
    try:
        part = types.Part.from_bytes(data=CONTENT, mime_type="text/plain")
        await service.save_artifact(**where, artifact=part)
        found = await service.load_artifact(**where)
    except BaseException:
        with suppress(Exception):
            await service.delete_artifact(**where)
        raise
    await service.delete_artifact(**where)
    blob = found and found.inline_data
    return bool(blob and blob.data == CONTENT), await service.load_artifact(**where) is None


async def check_memory(loaded: LoadedAgent, settings: Settings) -> Check:
    """Remember something of a visitor, find it again, and forget it. Where nothing can be
    forgotten, only look."""
    memory = loaded.runner.memory_service
    if not isinstance(memory, ForgettingMemory):
        return unchecked(MEMORY, "The page was made without a memory of its own.")
    if isinstance(memory, VisitorMemory):
        own = "What agents remember beyond a chat is in the app's own memory, until it ends"
        return unchecked(MEMORY, f"{own}: MEMORY_SERVICE is not set.")
    key = SessionKey(loaded.runner.app_name, visitor_id(uuid4()), str(uuid4()))
    try:
        async with asyncio.timeout(2 * STORE_TIMEOUT):
            if not memory.forgets:
                await memory.search_memory(**_who(key), query="check")
                return well(
                    MEMORY,
                    "It answers. Nothing was written, because nothing can be deleted there.",
                )
            is_kept, is_forgotten = await _try_memory(memory, key)
    except Exception as error:
        said = f"It fails ({type(error.__cause__ or error).__name__}): agents remember nothing."
        return wrong(MEMORY, said, HOW_TO_REMEMBER)
    if not is_kept:
        return wrong(MEMORY, "What was remembered was not found again.", HOW_TO_REMEMBER)
    if not is_forgotten:
        said = "What was forgotten was still there: “Forget me” would not delete it."
        return wrong(MEMORY, said, HOW_TO_REMEMBER)
    return well(MEMORY, "Something was remembered, found again, and forgotten.")


async def _try_memory(memory: ForgettingMemory, key: SessionKey) -> tuple[bool, bool]:
    """Whether what is added there is found, and whether it is forgotten."""
    word = f"check{uuid4().hex}"
    content = types.Content(role="user", parts=[types.Part(text=f"Self-check {word}.")])
    event = Event(author="user", invocation_id=str(uuid4()), content=content)

    async def is_found() -> bool:
        return bool((await memory.search_memory(**_who(key), query=word)).memories)

    try:
        await memory.add_events_to_memory(**_who(key), events=[event], session_id=key.session_id)
        is_kept = await is_found()
    finally:
        await memory.forget_user(key.app_name, key.user_id)
    return is_kept, not await is_found()


def _who(key: SessionKey) -> dict[str, Any]:
    return {"app_name": key.app_name, "user_id": key.user_id}
