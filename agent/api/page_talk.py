"""The socket of the page's own talks.

ws://…/talk

up      first {"ticket": "…", "voice": true, "key": "…"}: the ticket is for one chat
        (agent/chat/talk_tickets.py), and the key is the visitor's own, if any; then as at
        `/run_live` (agent/api/live.py)
down    {"line": {"hears": true}} once the model is connected; its voice in binary frames, 16-bit
        numbers at 24 kHz; all else as at `/run_live`. A refusal is an event, too: a page cannot
        read the HTTP status of a socket that was refused.
"""

import asyncio
import json
import re
from typing import Any

from fastapi import APIRouter, WebSocket
from google.adk.events import Event
from pydantic import SecretStr
from starlette.websockets import WebSocketDisconnect

from agent.api.live import POLICY, converse, end, send, tell
from agent.chat.agents import Agents
from agent.chat.conversation import Conversation
from agent.chat.live import LiveTurn, TalkOptions
from agent.core.errors import explain
from agent.core.notices import PlainError
from agent.core.talk import is_sound
from agent.core.visitor import Visitor, person_of
from agent.limits.client_address import client_address
from agent.stores.fallback import StoreUnavailable

# The form of a voice that the page plays (static/later/talk_sound.js), as Gemini calls it.
PLAYED_FORM = re.compile(r"audio/pcm(; ?rate=24000)?")

# Seconds in which the first message must come, and the characters that it may have.
BEGIN_TIMEOUT, MAX_BEGIN = 10.0, 4_000


def router(agents: Agents) -> APIRouter:
    """`/talk`."""
    routes = APIRouter(include_in_schema=False)

    @routes.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        try:
            begin = await _begin(socket)
            conversation = await _conversation(agents, socket, begin.get("ticket"))
        except (WebSocketDisconnect, RuntimeError, TimeoutError):
            return  # Starlette closes it.
        except (PlainError, StoreUnavailable) as error:
            refusal = explain(error)
            await tell(socket, refusal.code, refusal.text)
            await socket.close(POLICY)
            return
        key = begin.get("key")
        own = SecretStr(key) if isinstance(key, str) and key.strip() else None
        visitor = Visitor(address=client_address(socket), key=own)
        options = TalkOptions(has_voice=begin.get("voice") is True)
        turn = conversation.talk(options, visitor)
        opened = asyncio.create_task(_tell_line(socket, turn))
        try:
            await converse(socket, turn, _pass_on)
        finally:
            opened.cancel()
            await asyncio.wait({opened})
            await end(agents, conversation, turn)

    return routes


async def _begin(socket: WebSocket) -> dict[str, Any]:
    """The first message; {} for one that cannot be read.

    Raises:
        TimeoutError: if none comes.
    """
    async with asyncio.timeout(BEGIN_TIMEOUT):
        raw = await socket.receive_text()
    try:
        message = json.loads(raw) if len(raw) <= MAX_BEGIN else None
    except ValueError:
        message = None
    return message if isinstance(message, dict) else {}


async def _conversation(agents: Agents, socket: WebSocket, ticket: object) -> Conversation:
    """The conversation that the ticket is for.

    Raises:
        PlainError: if the ticket is not valid, or the conversation is gone.
        StoreUnavailable: if the conversation cannot be looked up.
    """
    person = person_of(socket)
    found = agents.talk_tickets.take(str(ticket), person.user_id if person else "")
    registry = agents.awake(found.agent) if found else None
    if found and registry and (active := await registry.find(*found.key[1:])):
        return active.conversation
    raise PlainError("no_ticket")


async def _tell_line(socket: WebSocket, turn: LiveTurn) -> None:
    """Say that the model is connected, and whether it hears."""
    await turn.line_opened.wait()
    await socket.send_text(json.dumps({"line": {"hears": turn.line.hears}}))


async def _pass_on(socket: WebSocket, event: Event) -> None:
    """Send an event on; a voice as binary frames, if it has the form that the page plays."""
    if not is_sound(event):
        await send(socket, event)
        return
    for part in (event.content.parts or []) if event.content else []:
        sound = part.inline_data
        if sound and sound.data and PLAYED_FORM.fullmatch(sound.mime_type or ""):
            await socket.send_bytes(sound.data)
