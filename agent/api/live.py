"""Talks over a WebSocket, in the messages of `adk api_server`'s own `/run_live`.

    ws://…/run_live?app_name=AGENT&session_id=…&modalities=AUDIO&push_to_talk=true

    up      {"content": {"parts": [{"text": "Hello"}]}}     typed words, which interrupt
            {"blob": {"mimeType": "audio/pcm;rate=16000", "data": "base64…"}}   a piece of a voice;
            as a binary frame, the same without base64
            {"activity_start": {}}, {"activity_end": {}}    with push_to_talk: around a voice
            {"audio_stream_end": true}                      the microphone is off
            {"close": true}                                 the end
    down    ADK's events as JSON. The first has the session's id, by which another talk, or a
            question (agent/api/sse.py), goes on: {"customMetadata": {"session_id": "…"}}.
            What went wrong is an event with `errorCode` and `errorMessage`, a plain sentence; the
            last event has one, too, which says why the talk is over. Then the socket is closed.

All of the address's parameters may be left out. Modalities are AUDIO or TEXT. A talk that cannot
begin is refused with a status and a sentence, as any request is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from fastapi import APIRouter, WebSocket
from google.adk.agents.live_request_queue import LiveRequest
from google.adk.events import Event
from google.genai import types
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect, WebSocketState

from agent.api import sessions
from agent.api.errors import limit_error
from agent.chat.agents import Agents
from agent.chat.conversation import Conversation
from agent.chat.live import LiveTurn, TalkOptions
from agent.core.errors import explain
from agent.core.notices import PlainError
from agent.core.visitor import Visitor, person_of
from agent.limits.client_address import client_address
from agent.limits.flow import Flow
from agent.limits.rate_limits import LimitExceeded
from agent.stores.fallback import StoreUnavailable

# Bytes in a frame: a second of a voice, in base64.
MAX_FRAME = 256_000

# Seconds in which a client must take a frame.
SEND_TIMEOUT = 10.0

# Unreadable frames after which the talk ends.
MAX_WRONG = 10

# The fields of an event that a client is sent: what is said, and what happens. Changes of state,
# and the handle by which a broken line to the model is resumed, stay on the server.
SENT_FIELDS = {
    *("id", "author", "invocation_id", "timestamp", "branch", "content", "partial"),
    *("turn_complete", "interrupted", "input_transcription", "output_transcription"),
    *("usage_metadata", "grounding_metadata", "finish_reason", "error_code"),
    *("long_running_tool_ids", "model_version"),
}

WRONG_FRAME = (
    "This could not be read. Send JSON as ADK's LiveRequest, with words, a voice (audio/…), a "
    "picture (image/…), activity_start, activity_end, audio_stream_end or close."
)

MODALITIES = "modalities: AUDIO or TEXT."

# The codes with which a socket is closed (RFC 6455): as agreed; against the rules; a failure.
CLOSED_AS_AGREED, POLICY, FAILURE = 1000, 1008, 1011
CLOSE_CODES = dict.fromkeys(("talk_over", "talk_timeout", "talk_silent"), CLOSED_AS_AGREED)
CLOSE_CODES |= {"talk_too_much": POLICY}


def router(agents: Agents) -> APIRouter:
    """`/run_live`."""
    routes = APIRouter()

    @routes.websocket("/run_live")
    async def run_live(socket: WebSocket) -> None:
        try:
            options = _options(socket)
            conversation = await _conversation(agents, socket)
        except (HTTPException, StoreUnavailable) as error:
            await _refuse(socket, error)
            return
        turn = conversation.talk(options, Visitor(address=client_address(socket)))
        try:
            await _hold_talk(socket, turn)
        finally:
            await end(agents, conversation, turn)

    return routes


async def end(agents: Agents, conversation: Conversation, turn: LiveTurn) -> None:
    """End a talk whose socket is gone. A conversation in which nothing was said is forgotten."""
    turn.end()
    await turn.finish()
    if not (conversation.turns or conversation.is_running):
        agents.forget_soon(conversation.key)


async def _conversation(agents: Agents, socket: WebSocket) -> Conversation:
    """The conversation that the address names, or a new one.

    Raises:
        HTTPException: 404 where there is no such session, 422 where there is no such agent.
        StoreUnavailable: if it cannot be looked up.
    """
    name, session_id = map(socket.query_params.get, ("app_name", "session_id"))
    if name and name not in agents.names:
        raise HTTPException(422, f"app_name: {agents.no_such(name).text}")
    person = person_of(socket)
    if session_id:
        return (await sessions.find(agents, session_id, person)).conversation
    return (await sessions.open_new(agents, name, person)).conversation


def _options(socket: WebSocket) -> TalkOptions:
    modalities = socket.query_params.getlist("modalities") or ["AUDIO"]
    if len(modalities) != 1 or modalities[0] not in ("AUDIO", "TEXT"):
        raise HTTPException(422, MODALITIES)
    by_hand = socket.query_params.get("push_to_talk", "").lower() in ("1", "true")
    return TalkOptions(has_voice=modalities == ["AUDIO"], push_to_talk=by_hand)


async def _refuse(socket: WebSocket, error: HTTPException | StoreUnavailable) -> None:
    if isinstance(error, StoreUnavailable):
        error = HTTPException(503, error.notice.text)
    response = JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    await socket.send_denial_response(response)


async def _hold_talk(socket: WebSocket, turn: LiveTurn) -> None:
    """Pass everything on, until either side ends the talk."""
    await turn.admitted.wait()
    if turn.over and isinstance(turn.failure, PlainError):
        refusal = HTTPException(409, turn.failure.notice.text)
        limit = turn.failure if isinstance(turn.failure, LimitExceeded) else None
        await _refuse(socket, limit_error(limit) if limit else refusal)
        return
    await socket.accept()
    begin = Event(author="user", custom_metadata={"session_id": turn.session_id})
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        await send(socket, begin, {"author", "custom_metadata"})
    await converse(socket, turn, send)


async def converse(
    socket: WebSocket, turn: LiveTurn, pass_on: Callable[[WebSocket, Event], Awaitable[None]]
) -> None:
    """Pass on what either side says, until one of them ends the talk; then say why it is over.

    Args:
        socket: The client's, which is open.
        turn: The talk.
        pass_on: Sends one of the talk's events.
    """
    reading = asyncio.create_task(_read(socket, turn))
    try:
        async with aclosing(turn.listen()) as events:
            async for event in events:
                await pass_on(socket, event)
        last = explain(turn.failure or PlainError("talk_over"))
        await tell(socket, last.code, last.text)
        await socket.close(CLOSE_CODES.get(last.code, FAILURE))
    except (WebSocketDisconnect, RuntimeError):  # Starlette's two errors for a socket that is gone.
        turn.end()
    except TimeoutError:
        turn.stop(PlainError("talk_too_much"))
    finally:
        reading.cancel()
        await asyncio.wait({reading})


async def send(socket: WebSocket, event: Event, fields: set[str] = SENT_FIELDS) -> None:
    """Send these fields of an event.

    Raises:
        TimeoutError: if the client does not take it.
    """
    text = event.model_dump_json(exclude_none=True, by_alias=True, include=fields)
    if socket.application_state is WebSocketState.CONNECTED:
        async with asyncio.timeout(SEND_TIMEOUT):
            await socket.send_text(text)


async def tell(socket: WebSocket, code: str, text: str) -> None:
    """Send a sentence of the app's own."""
    event = Event(author="user", error_code=code, error_message=text)
    await send(socket, event, {"author", "error_code", "error_message"})


async def _read(socket: WebSocket, turn: LiveTurn) -> None:
    """Take what the client sends, until it is gone."""
    flow, wrong = Flow(), 0
    try:
        while not turn.over:
            frame = await socket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            raw = frame.get("text") or frame.get("bytes") or ""
            if len(raw) > MAX_FRAME or not flow.take(len(raw)):
                turn.stop(PlainError("talk_too_much"))
                return
            try:
                await _take(turn, raw)
            except LimitExceeded as error:
                await tell(socket, error.notice.code, error.notice.text)
            except (ValidationError, ValueError):
                wrong += 1
                await tell(socket, "wrong_frame", WRONG_FRAME)
                if wrong >= MAX_WRONG:
                    turn.stop(PlainError("talk_too_much"))
    finally:
        with suppress(RuntimeError):
            turn.end()


async def _take(turn: LiveTurn, raw: str | bytes) -> None:
    """Pass a frame on, but for anything that would change the session's state or give the result of
    a tool.

    Raises:
        ValueError: if the frame cannot be read.
        LimitExceeded: if the visitor has sent too many messages.
    """
    if isinstance(raw, bytes):
        turn.send(LiveRequest(blob=types.Blob(data=raw, mime_type="audio/pcm;rate=16000")))
        return
    request = LiveRequest.model_validate_json(raw)
    if request.close:
        turn.end()
    elif request.content:
        await turn.say(_words(request.content))
    elif request.blob:
        if not (request.blob.mime_type or "").startswith(("audio/", "image/")):
            raise ValueError("It is neither sound nor picture.")
        turn.send(LiveRequest(blob=request.blob))
    else:
        signals: dict[str, Any] = {
            name: value
            for name in ("activity_start", "activity_end", "audio_stream_end")
            if (value := getattr(request, name, None))
        }
        if not signals:
            raise ValueError("Nothing is in it.")
        turn.send(LiveRequest(**signals))


def _words(content: types.Content) -> str:
    parts = content.parts or []
    if not parts or any(part.text is None or part.function_response for part in parts):
        raise ValueError("There is something else than words in it.")
    return "".join(part.text or "" for part in parts)
