"""The agents as a tool of MCP clients, at the address at which Gradio would offer functions.

Gradio's own server (gradio/mcp.py) lets a tool run on when its client has cancelled or has left,
tells each failure as an answer, and says nothing until the answer is whole.

Each HTTP request stands for itself, so that a client goes on after a restart and at any replica.
The `Mcp-Session-Id` that a client is given only tells which of its calls it cancels.
"""

import json
import os
import re
from base64 import b64encode
from contextlib import aclosing
from itertools import count
from typing import Any, cast
from urllib.parse import quote
from uuid import uuid4

from mcp import types
from mcp.server import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import AnyUrl
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from agent.api import sessions
from agent.api.openai_files import to_file
from agent.chat.agents import Agents
from agent.chat.turn import Turn
from agent.core.deltas import Delta, words
from agent.core.errors import MAX_TOKENS
from agent.core.files import File
from agent.core.notices import Notice
from agent.core.plain_text import to_text
from agent.core.question import Question
from agent.core.visitor import Visitor, person_of
from agent.core.waiting import open_pauses
from agent.limits.client_address import client_address
from agent.render import media
from agent.stores.fallback import StoreUnavailable

PATH = "/gradio_api/mcp"

SESSION_HEADER = "mcp-session-id"

FOR_CLIENTS = "This is the address of an MCP server. Give it to an MCP client.\n"

ARGUMENTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "What to ask it."},
        "session_id": {
            "type": "string",
            "description": "The session_id of an answer before, to go on with that conversation; "
            "without it, a new one begins.",
        },
    },
    "required": ["message"],
}

# A further argument where visitors may send files.
FILES: dict[str, Any] = {
    "type": "array",
    "description": "Files that go with the message.",
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "What it is called."},
            "data": {"type": "string", "description": "The file in base64, or as a data: URL."},
        },
        "required": ["data"],
    },
}

RESULT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "session_id": {"type": "string"}},
    "required": ["answer", "session_id"],
}


class McpServer:
    """ASGI app of the whole MCP server, below `PATH`.

    Args:
        agents: The agents on show.
    """

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        # On a Space as Gradio calls it there, since clients have it in their settings.
        space = os.environ.get("SPACE_ID", "").rpartition("/")[2]
        self._tool = types.Tool(
            name=re.sub(r"\W", "_", f"{space}_ask" if space else "ask", flags=re.ASCII),
            description=agents.description,
            inputSchema=arguments(agents),
            outputSchema=RESULT,
        )
        self._server = cast(Any, Server(agents.title))  # Not all of it is typed.
        self._server.list_tools()(self._list_tools)
        self._server.call_tool()(self._call)
        # The transport of clients that are older than the Streamable HTTP of 2025.
        self._sse = SseServerTransport("/messages/")
        # The turns of calls that run, by a client's MCP session and the call's id in that.
        self._turns: dict[tuple[str, str], Turn] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match scope["method"], scope["path"].rpartition(PATH)[2].strip("/"):
            case "GET", "sse":
                async with self._sse.connect_sse(scope, receive, send) as (incoming, outgoing):
                    options = self._server.create_initialization_options()
                    await self._server.run(incoming, outgoing, options)
            case "POST", "messages":
                await self._sse.handle_post_message(scope, receive, send)
            # Hugging Face reads here which tools a Space has.
            case "GET", "schema":
                tool = self._tool.model_dump(include={"name", "description", "inputSchema"})
                await JSONResponse([tool])(scope, receive, send)
            # The protocol's stream for messages that answer no request: this server sends none.
            case "GET", "" | "http":
                refusal = PlainTextResponse(FOR_CLIENTS, 405, headers={"Allow": "POST"})
                await refusal(scope, receive, send)
            case _, "" | "http":
                await self._handle(scope, receive, send)
            case _:
                await PlainTextResponse("Not Found", 404)(scope, receive, send)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of Streamable HTTP; if its client leaves, its call is cancelled."""
        client, body = Headers(scope=scope).get(SESSION_HEADER), b""

        async def receive_and_look() -> Message:
            nonlocal body
            message = await receive()
            if message["type"] == "http.request" and client:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    self._cancel(client, body)
            return message

        async def send_with_session(message: Message) -> None:
            if message["type"] == "http.response.start" and not client:
                MutableHeaders(scope=message)[SESSION_HEADER] = uuid4().hex
            await send(message)

        manager = StreamableHTTPSessionManager(self._server, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive_and_look, send_with_session)

    def _cancel(self, client: str, body: bytes) -> None:
        """Stop the call that the client cancels, if this body is its notification of that."""
        try:
            message = json.loads(body)
        except ValueError:
            return  # The SDK refuses such a body.
        match message:
            case {
                "method": "notifications/cancelled",
                "params": {"requestId": int() | str() as id},
            }:
                if turn := self._turns.get((client, str(id))):
                    turn.stop()

    async def _list_tools(self) -> list[types.Tool]:
        return [self._tool]

    async def _call(self, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        """One call of the tool; where it gets no answer, the result is an error."""
        if name != self._tool.name:
            return _refused(f"There is no tool {name!r} here, only {self._tool.name!r}.")
        try:
            given, settings = arguments.get("files") or [], self._agents.settings
            files = [to_file(file["data"], file.get("name", ""), settings) for file in given]
            return await self._ask(
                arguments["message"],
                tuple(files),
                session_id=arguments.get("session_id"),
                agent=arguments.get("agent"),
            )
        except HTTPException as error:
            return _refused(error.detail)
        except StoreUnavailable as error:
            return _refused(error.notice.text)

    async def _ask(
        self, message: str, files: tuple[File, ...], session_id: str | None, agent: str | None
    ) -> types.CallToolResult:
        """Ask an agent; its words are sent as progress, if the client has asked for that.

        When it is cancelled, as by a client that leaves, it stops the turn. A new session is
        forgotten then, as the client has not been given its id.

        Raises:
            HTTPException: 404, 409, 422 or 429 where the question is not answered.
            StoreUnavailable: if the session cannot be looked up.
        """
        context = self._server.request_context
        request: Request = context.request
        visitor = Visitor(address=client_address(request))
        question = Question(message, files=files, visitor=visitor)
        active, log = await sessions.begin(
            self._agents, question, session_id=session_id, agent=agent, person=person_of(request)
        )
        turn, key = log.turn, active.conversation.key
        call = request.headers.get(SESSION_HEADER, ""), str(context.request_id)
        self._turns[call] = turn
        steps = count(1)
        try:
            async with aclosing(log.read()) as deltas:
                async for _, delta in deltas:
                    await self._send_progress(next(steps), delta)
        finally:
            self._turns.pop(call, None)
            if not turn.over:
                turn.stop()
                if not session_id:
                    self._agents.forget_soon(key)
        return _result(turn, key.session_id)

    async def _send_progress(self, step: int, delta: Delta | None) -> None:
        """One more step of the answer: its next words, or that it is still on its way."""
        context = self._server.request_context
        token = context.meta.progressToken if context.meta else None
        if token is not None:
            await context.session.send_progress_notification(
                token,
                progress=step,
                message=(delta and words(delta)) or None,
                related_request_id=str(context.request_id),
            )


def arguments(agents: Agents) -> dict[str, Any]:
    """JSON Schema of the tool's arguments: with the agent's name where there are several, and with
    files where visitors may send some."""
    more: dict[str, Any] = {"files": FILES} if agents.settings.accepted_types else {}
    if agents.are_several:
        more["agent"] = {
            "type": "string",
            "enum": list(agents.names),
            "description": "Which agent to ask in a new conversation; without it, the first.",
        }
    return {**ARGUMENTS, "properties": {**ARGUMENTS["properties"], **more}}


def _result(turn: Turn, session_id: str) -> types.CallToolResult:
    """The result of a turn: words first, then files, last how to go on."""
    text = to_text(turn.transcript)
    if open_pauses(turn.transcript):
        text += f"\n\n({Notice('next_declines').text})"
    entries = [entry for entry in turn.transcript if isinstance(entry, File)]
    files = [_file(file, number) for number, file in enumerate(entries)]
    go_on = types.TextContent(
        type="text",
        text=f"(To go on with this conversation: session_id {session_id})",
        annotations=types.Annotations(audience=["assistant"]),
    )
    texts = [types.TextContent(type="text", text=text)] if text or not files else []
    return types.CallToolResult(
        content=[*texts, *files, go_on],
        # For clients that look at nothing else.
        structuredContent={"answer": text, "session_id": session_id},
        # An answer that the token limit has cut off is an answer all the same.
        isError=turn.failure not in (None, MAX_TOKENS),
    )


def _file(file: File, number: int) -> types.ContentBlock:
    content, name = media.content(file), file.shown_name or f"file {number + 1}"
    if content is None:
        where = f": {file.address}" if file.address else " is not here any more"
        return types.TextContent(type="text", text=f"(The file “{name}”{where}.)")
    kind, data = media.playable(file.mime_type, content)
    encoded = b64encode(data).decode()
    if kind.startswith("image/"):
        return types.ImageContent(type="image", data=encoded, mimeType=kind)
    if kind.startswith("audio/"):
        return types.AudioContent(type="audio", data=encoded, mimeType=kind)
    uri = AnyUrl(f"file:///answer/{quote(name)}" if file.name else f"file:///answer/{number}")
    resource = types.BlobResourceContents(uri=uri, blob=encoded, mimeType=kind)
    return types.EmbeddedResource(type="resource", resource=resource)


def _refused(sentence: str) -> types.CallToolResult:
    content = types.TextContent(type="text", text=f"({sentence})")
    return types.CallToolResult(content=[content], isError=True)
