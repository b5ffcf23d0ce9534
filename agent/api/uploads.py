"""Files that visitors and programs send: measured, recognised by their content, and kept for a
message.

    POST /files?name=cat.png    the file itself as the body
    -> 201 {"file": "files/….png/cat.png", "name": "cat.png", "type": "image/png", "size": 1234,
            "shown": "…"}

`file` goes with a message (`files` of `POST /chat/stream`); it is kept for a day, and everybody who
knows it can fetch it. `shown` is for the page. Nothing is kept of what is refused.
"""

import asyncio
import tempfile
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.requests import ClientDisconnect

from agent.api.errors import PlainErrorRoute
from agent.chat.agents import Agents
from agent.chat.sent_files import check_type
from agent.core.file_types import recognise
from agent.core.files import File
from agent.core.notices import Notice, PlainError
from agent.core.visitor import is_anonymous_id, person_of
from agent.limits.client_address import client_address
from agent.render import media
from agent.render.file_links import address_of, from_address, safe_name, to_line, true_name

# Files that are recognised at the same time; each is in memory then.
RECOGNISED_AT_ONCE = 4

# Bytes of a file that are held in memory while it comes.
IN_MEMORY = 100_000


def _sent(address: object) -> File:
    """The file at an address that `POST /files` has answered.

    Raises:
        PydanticCustomError: for anything else.
    """
    if isinstance(address, str) and (file := from_address(address)):
        return file
    raise PydanticCustomError("file", "each is the `file` that `POST /files` has answered")


# A file that was sent before; a request has its address.
SentFile = Annotated[File, BeforeValidator(_sent), WithJsonSchema({"type": "string"})]


def router(agents: Agents) -> APIRouter:
    """`POST /files`."""
    routes = APIRouter(tags=["chat"], route_class=PlainErrorRoute)
    settings, recognising = agents.settings, asyncio.Semaphore(RECOGNISED_AT_ONCE)

    @routes.post(
        "/files",
        status_code=201,
        responses={
            413: {"description": "The file is too large"},
            415: {"description": "No such file can be sent here"},
            429: {"description": "Too many files; the detail says for how long"},
        },
        summary="Send a file, for a message",
    )
    async def send(
        request: Request,
        name: Annotated[str, Query(description="What it is called.", max_length=1_000)] = "",
        visitor: Annotated[str, Query(include_in_schema=False, max_length=100)] = "",
    ) -> dict[str, Any]:
        """Keep a file for a message that is to be sent."""
        if not settings.accepted_types:
            raise HTTPException(415, Notice("no_files").text)
        person = person_of(request)
        claimed = visitor if is_anonymous_id(visitor) else ""
        user_id = person.user_id if person else claimed
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                async for chunk in request.stream():
                    body.write(chunk)
            except ClientDisconnect:
                raise HTTPException(400) from None
            size = body.tell()
            if not size:
                raise HTTPException(415, Notice("file_empty").text)
            await agents.limits.admit_upload(user_id, client_address(request), size)
            body.seek(0)
            async with recognising:
                return await asyncio.to_thread(_kept, body.read(), name)

    def _kept(data: bytes, name: str) -> dict[str, Any]:
        try:
            mime_type, content = recognise(data)
            check_type(mime_type, settings)
        except PlainError as error:
            raise HTTPException(415, error.notice.text) from None
        kept_as = media.save(mime_type, content)
        shown_name = true_name(safe_name(name) or kept_as, mime_type)
        file = File(mime_type, name=shown_name, kept_as=kept_as, size=len(content))
        return {
            "file": address_of(file),
            "name": file.name,
            "type": mime_type,
            "size": file.size,
            "shown": to_line(file),
        }

    return routes
