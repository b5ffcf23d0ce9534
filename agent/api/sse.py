"""The agent's answers as server-sent events, for any HTTP client and a browser's EventSource.

    data: {"text": "Hel"}           the answer's next words; together they are the answer
    data: {"text": "…", "replace": true}    the whole so far, in place of all words before
    event: session                  data: {"session_id": "…"}, to go on with; comes first
    event: thought                  data: {"text": "…"}, what the model says to itself
    event: tool_call                data: {"id": "…", "name": "…", "args": {…}}
    event: tool_result              data: {"id": "…", "name": "…", "result": …, "seconds": 0.1}
                                    Either has "waits": true if a program gives the result later
    event: pause                    data: {"id": "…", "kind": "…", "text": "…", …}, what a person is
                                    asked: see below
    event: reply                    data: {"id": "…", "text": "…", "approved": true, "value": …},
                                    what a person has answered to that; and once more with
                                    "args", if the tool has got others
    event: file                     data: {"mime_type": "…", "data": "base64…"}; of one that is kept
                                    elsewhere "name", "size" and "url" in place of "data"
    event: sources                  data: {"pages": [{"title": "…", "address": "…"}],
                                    "searches": ["…"]}, on what the answer rests; a page that
                                    could not be read has a "failure", and Google's own HTML for
                                    the searches comes as "suggestions"
    event: failure                  data: {"text": "…"}, why the answer is not whole
    data: [DONE]                    the end

Each event has an id. A client that was cut off sends the last one in the header `Last-Event-ID`,
as EventSource does by itself, and gets the events after it; after the end it gets 204, which tells
EventSource not to reconnect.

An agent may wait for a person: then the stream ends with one `pause` or more. Each says in `text`
what is asked, and in other fields, as far as it has them, what to show of it: `kind` (approval,
input, choice, sign_in, key), `message` (the agent's own words), `tool` and `args` (what is to be
approved), `payload` (what the agent shows, or what may be changed with an approval), `schema` (JSON
Schema of the value), `options` (to choose one of), `link` (where to sign in). All open ones are
answered together, by

    POST /chat/stream   {"session_id": "…", "replies": {"<id>": {"approved": true, "value": …}}}

`approved` is false where a person declines. `value` is what was put in or chosen; of a sign-in, the
address to which it has led; of a key, the key; of an approval, the changed payload, if it was
changed. With `args` an approval gives the tool these arguments in place of those that were asked
for. The stream then holds what is new of the same answer. Replies that are not taken change
nothing: 409 where nothing waits for them, any more, and 422 where some are missing or are not what
was asked for. A message that is asked instead declines what is open.
"""

import base64
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, assert_never

from fastapi import APIRouter, Body, Depends, Header, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import SecretStr

from agent.api import sessions
from agent.api.errors import PlainErrorRoute
from agent.api.sse_request import STREAMING, AskRequest, PostRequest, parse_request
from agent.chat.agents import Agents
from agent.chat.streams import DeltaLog
from agent.core import pauses
from agent.core.deltas import Delta, Rewrite
from agent.core.files import File
from agent.core.pauses import Pause
from agent.core.said import Said
from agent.core.sources import Sources
from agent.core.text import to_json
from agent.core.transcript import Notice, Text, Thought, ToolCall
from agent.core.visitor import Person, Visitor, person_of
from agent.limits.client_address import client_address
from agent.render.file_links import address_of

# No proxy on the way may buffer the stream.
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

# Milliseconds after which a client that was cut off reconnects.
RETRY_INTERVAL = 1000

NOT_EMBEDDED = "This is no picture and no page. Ask by EventSource, or by fetch."

NOT_YET = "An answer is not prefetched: it would make the agent work for nobody."

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answer, as it comes", "content": {"text/event-stream": {}}},
    204: {"description": "The stream that broke had come to its end"},
    404: {"description": "No such session"},
    409: {"description": "The session's answer before is still running, or nothing is asked"},
    422: {"description": "The request cannot be read or answered; the detail says why"},
    429: {"description": "Too many messages; the detail says for how long"},
    503: {"description": "Nobody is answered at the moment, or what was said cannot be reached"},
}

# The header for a program's own key, where the host takes one (`VISITOR_KEYS`).
KEY_HEADER = "X-Gemini-Api-Key"

# The values of a field that holds nothing: it is left out of an event.
EMPTY: tuple[Any, ...] = (None, "", (), {})

# The id of the last event of every stream.
END_ID = "end"


@dataclass
class Position:
    """A place in an answer: how many of its deltas a client has."""

    session_id: str
    turn: int
    log: DeltaLog
    received: int = 0

    def event_id(self, number: int) -> str:
        """What a client that has the first `number` deltas sends to resume this answer."""
        return f"{self.session_id}.{self.turn}.{number}"


LastEventID = Annotated[str | None, Header(description="The last id of a stream cut off.")]

InAddress = Annotated[str | None, Query(description="The same in the address.")]


def router(agents: Agents) -> APIRouter:
    """`/chat/stream` and `/chat/stop`."""
    routes = APIRouter(prefix="/chat", tags=["chat"], route_class=PlainErrorRoute)

    async def answer(
        body: AskRequest | PostRequest, request: Request, last_id: str | None
    ) -> StreamingResponse:
        key = SecretStr(request.headers.get(KEY_HEADER, ""))
        visitor = Visitor(address=client_address(request), key=key)
        position = await _begin_or_resume(agents, body, last_id, visitor, person_of(request))
        events = _events(position)
        return StreamingResponse(events, media_type="text/event-stream", headers=STREAM_HEADERS)

    @routes.post("/stream", response_class=StreamingResponse, responses=RESPONSES, summary="Ask")
    async def post(
        request: Request,
        # FastAPI makes a title of this name in /openapi.json.
        asked: PostRequest | None = None,
        query: InAddress = None,
        session_id: InAddress = None,
        agent: InAddress = None,
        streaming: Annotated[bool | None, Query(description=STREAMING)] = None,
        last_event_id: LastEventID = None,
    ) -> StreamingResponse:
        """Ask the agent, or answer what it asks; its answer as server-sent events, as it comes."""
        body = asked or PostRequest(
            query=query,
            session_id=session_id,
            agent=agent,
            replies=None,
            files=[],
            streaming=streaming,
            options=None,
        )
        return await answer(body, request, last_event_id)

    @routes.get(
        "/stream",
        response_class=StreamingResponse,
        responses={
            **RESPONSES,
            403: {"description": "Asked as a browser fetches pictures and pages"},
        },
        summary="Ask",
        dependencies=[Depends(_refuse_embedding)],
    )
    async def get(
        request: Request,
        parameters: Annotated[AskRequest, Query()],
        last_event_id: LastEventID = None,
    ) -> StreamingResponse:
        """The same for a browser's EventSource, which can only GET."""
        return await answer(parameters, request, last_event_id)

    @routes.post("/stop", status_code=204, responses={404: RESPONSES[404]})
    async def stop(session_id: Annotated[str, Body(embed=True)], request: Request) -> None:
        """End the answer that is running in this session; what was said stays."""
        active = await sessions.find(agents, session_id, person_of(request))
        await active.conversation.stop()

    return routes


async def _refuse_embedding(
    sec_fetch_dest: Annotated[str | None, Header(include_in_schema=False)] = None,
    sec_fetch_site: Annotated[str | None, Header(include_in_schema=False)] = None,
    sec_purpose: Annotated[str | None, Header(include_in_schema=False)] = None,
    purpose: Annotated[str | None, Header(include_in_schema=False)] = None,
    x_moz: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> None:
    """Refuse requests that nobody has meant: for a picture or a link in a web page or an answer, or
    by a browser that prefetches.

    Browsers say what they fetch for: `Sec-Fetch-Dest` is "empty" for a script; `Sec-Fetch-Site` is
    "none" for an address that a person has typed.

    Raises:
        HTTPException: 403 for such a request.
    """
    if sec_fetch_dest not in (None, "empty") and sec_fetch_site != "none":
        raise HTTPException(403, NOT_EMBEDDED)
    if any("prefetch" in (name or "").lower() for name in (sec_purpose, purpose, x_moz)):
        raise HTTPException(403, NOT_YET)


async def _begin_or_resume(
    agents: Agents,
    body: AskRequest | PostRequest,
    last_event_id: str | None,
    visitor: Visitor,
    person: Person | None,
) -> Position | None:
    """Begin an answer, or find the place where its stream broke; None when that answer is gone.

    Raises:
        HTTPException: 204 for a stream that had come to its end; 404, 409 or 422 where there is no
            answer.
        LimitExceeded: if replies are too long.
        StoreUnavailable: if the session cannot be looked up.
    """
    if last_event_id == END_ID:
        raise HTTPException(204)
    if last_event_id is not None:
        return await _resume(agents, body.session_id, last_event_id, person)
    question = replace(parse_request(body, agents.settings), visitor=visitor)
    active, log = await sessions.begin(
        agents, question, session_id=body.session_id, agent=body.agent, person=person
    )
    return Position(active.conversation.session_id, active.turns, log)


async def _resume(
    agents: Agents, session_id: str | None, last_event_id: str, person: Person | None
) -> Position | None:
    """The place behind the event with this id, if it is one of the session's latest answer."""
    parts = re.fullmatch(r"(.+)\.(\d{1,9})\.(\d{1,9})", last_event_id, re.ASCII)
    user_id = sessions.user_id_of(parts[1], person) if parts else ""
    active = await agents.find(user_id, parts[1]) if parts else None
    if not (parts and active and active.log and session_id in (None, parts[1])):
        return None
    turn, received = int(parts[2]), int(parts[3])
    is_known = turn == active.turns and received <= len(active.log.deltas)
    return Position(parts[1], turn, active.log, received) if is_known else None


async def _events(position: Position | None) -> AsyncGenerator[bytes, None]:
    """The rest of an answer as server-sent events; a failure alone where the answer is gone."""
    if position is None:
        yield _event(Notice("answer_gone"))
    else:
        yield format_sse_event(
            event="session",
            data_str=to_json({"session_id": position.session_id}),
            id=position.event_id(position.received),
            retry=RETRY_INTERVAL,
        )
        async with aclosing(position.log.read(position.received)) as deltas:
            async for number, delta in deltas:
                if delta is None:
                    # A comment: how long the turn has taken so far. No blank line follows, at which
                    # httpx-sse would make an event of it.
                    yield f": {position.log.turn.elapsed:.0f} s\n".encode()
                else:
                    yield _event(delta, position.event_id(number))
    yield format_sse_event(data_str="[DONE]", id=END_ID)


def _event(delta: Delta, id: str | None = None) -> bytes:
    name, data = _name_and_data(delta)
    return format_sse_event(event=name, data_str=to_json(data), id=id)


def _name_and_data(delta: Delta) -> tuple[str | None, dict[str, Any]]:
    """The event's name, None for words of the answer, and its data."""
    match delta:
        case Text(text=text):
            return None, {"text": text}
        case Rewrite(text=text):
            return None, {"text": text, "replace": True}
        case Thought(text=text):
            return "thought", {"text": text}
        case ToolCall():
            return _tool_call(delta)
        case Pause():
            return _pause(delta)
        case File() | Sources():
            return _aside(delta)
        case Notice(text=text) | Said(text=text):
            return "failure" if isinstance(delta, Notice) else "said", {"text": text}
        case _:
            assert_never(delta)


def _tool_call(call: ToolCall) -> tuple[str, dict[str, Any]]:
    """A tool's call; or its result, which may be a ticket for a later one."""
    data: dict[str, Any] = {"id": call.id, "name": call.name}
    later = {"waits": True} if call.waits_for else {}
    if call.seconds is None:
        return "tool_call", {**data, "args": call.args, **later}
    return "tool_result", {**data, "result": call.result, "seconds": call.seconds, **later}


def _aside(entry: File | Sources) -> tuple[str, dict[str, Any]]:
    """A file, without the fields that are empty; or the sources of an answer."""
    if isinstance(entry, Sources):
        pages = [{k: v for k, v in asdict(page).items() if v is not None} for page in entry.pages]
        more = {"suggestions": entry.suggestions} if entry.suggestions else {}
        return "sources", {"pages": pages, "searches": entry.searches, **more}
    about = {
        "name": entry.name,
        "mime_type": entry.mime_type,
        "data": base64.b64encode(entry.data).decode(),
        "size": entry.size,
        "url": entry.address or (address_of(entry) if entry.kept_as else ""),
    }
    versioned = {} if entry.version is None else {"version": entry.version}
    return "file", {name: value for name, value in about.items() if value} | versioned


def _pause(pause: Pause) -> tuple[str, dict[str, Any]]:
    """A question to a person, without the fields that are empty; or the person's reply."""
    data: dict[str, Any] = {"id": pause.id, "text": pauses.sentence(pause).text}
    if reply := pause.reply:
        data["approved"] = reply.is_approved
        given = {"value": reply.value, "args": reply.args}
        return "reply", data | {name: value for name, value in given.items() if value is not None}
    about = {
        "kind": pause.kind,
        "message": pause.message,
        "tool": pause.tool,
        "args": pause.args,
        "payload": pause.payload,
        "schema": pause.schema,
        "options": pause.options,
        "link": pause.link,
    }
    return "pause", data | {name: value for name, value in about.items() if value not in EMPTY}
