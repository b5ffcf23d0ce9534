"""The agent's answers as server-sent events, for any HTTP client and a browser's EventSource.

    data: {"text": "Hel"}           the answer's next words; together they are the answer
    data: {"text": "…", "replace": true}    the whole so far, in place of all words before
    event: session                  data: {"session_id": "…"}, to go on with; comes first
    event: thought                  data: {"text": "…"}, what the model says to itself
    event: tool_call                data: {"id": "…", "name": "…", "args": {…}}
    event: tool_result              data: {"id": "…", "name": "…", "result": …, "seconds": 0.1}
    event: file                     data: {"mime_type": "…", "data": "base64…"}
    event: failure                  data: {"text": "…"}, why the answer is not whole
    data: [DONE]                    the end

Each event has an id. A client that was cut off sends the last one in the header `Last-Event-ID`,
as EventSource does by itself, and gets what it has not had; after the end it gets 204, which tells
EventSource not to come again.
"""

import base64
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, HTTPException, Query, Request
from fastapi.sse import EventSourceResponse
from fastapi.sse import ServerSentEvent as Event
from pydantic import BaseModel, Field

from agent.api.errors import PlainRoute, check_admitted
from agent.chat.registry import ActiveConversation, Registry
from agent.chat.streams import DeltaLog
from agent.core.deltas import Delta, Rewrite
from agent.core.question import Question as Message
from agent.core.text import to_json
from agent.core.transcript import Notice, Picture, Text, Thought, ToolCall
from agent.core.visitor import Visitor, visitor_id
from agent.limits.client_address import client_address
from agent.stores.fallback import StoreUnavailable

RETRY = 1000
"""Milliseconds after which a client that was cut off comes again."""

GONE = "This answer can no longer be taken up. Please ask again."

UNKNOWN = (
    "There is no such session: it may have been idle for too long. Leave session_id out "
    "to begin a new one."
)

ANSWERS: dict[int | str, dict[str, Any]] = {
    204: {"description": "The stream that broke had come to its end"},
    404: {"description": "No such session"},
    409: {"description": "The session's answer before is still running"},
    422: {"description": "The request cannot be read or answered; the detail says why"},
    429: {"description": "Too many messages; the detail says for how long"},
    503: {"description": "What was said cannot be reached at the moment"},
}

END = "end"
"""The id of the last event of every stream."""


class Question(BaseModel):
    """What to ask, and in which session."""

    query: str = Field(description="What to ask the agent.")
    session_id: str | None = Field(
        None, description="The session to go on with; without one, a new session begins."
    )


@dataclass
class Place:
    """Where in whose answer a client reads on."""

    session_id: str
    turn: int
    log: DeltaLog
    after: int = 0
    """How many changes the client has."""

    def id(self, number: int) -> str:
        """What a client that has `number` changes sends to come back to this answer."""
        return f"{self.session_id}.{self.turn}.{number}"


LastEventID = Annotated[str | None, Header(description="The last id of a stream cut off.")]


def router(registry: Registry) -> APIRouter:
    """`/chat/stream` and `/chat/stop`."""
    routes = APIRouter(prefix="/chat", tags=["chat"], route_class=PlainRoute)

    async def posted(
        question: Question, request: Request, last_event_id: LastEventID = None
    ) -> Place | None:
        return await _place(registry, question, last_event_id, client_address(request))

    async def got(
        question: Annotated[Question, Query()], request: Request, last_event_id: LastEventID = None
    ) -> Place | None:
        return await _place(registry, question, last_event_id, client_address(request))

    @routes.post("/stream", response_class=EventSourceResponse, responses=ANSWERS, summary="Ask")
    async def post(place: Annotated[Place | None, Depends(posted)]) -> AsyncIterator[Event]:
        """Ask the agent; its answer as server-sent events, as it comes."""
        async for event in _events(place):
            yield event

    @routes.get(
        "/stream",
        response_class=EventSourceResponse,
        responses={
            **ANSWERS,
            403: {"description": "Asked as a browser fetches pictures and pages"},
        },
        summary="Ask",
        dependencies=[Depends(_no_picture)],
    )
    async def get(place: Annotated[Place | None, Depends(got)]) -> AsyncIterator[Event]:
        """The same for a browser's EventSource, which can only GET."""
        async for event in _events(place):
            yield event

    @routes.post("/stop", status_code=204, responses={404: ANSWERS[404]})
    async def stop(session_id: Annotated[str, Body(embed=True)]) -> None:
        """End the answer that is running in this session; what was said stays."""
        visit = await _find(registry, session_id)
        await visit.conversation.stop()

    return routes


async def _no_picture(
    sec_fetch_dest: Annotated[str | None, Header(include_in_schema=False)] = None,
    sec_fetch_site: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> None:
    """A picture or a link in a web page, or in an answer, may not make the agent work. Browsers
    tell what they fetch for: "empty" is a script; from no site comes what somebody has typed."""
    if sec_fetch_dest not in (None, "empty") and sec_fetch_site != "none":
        raise HTTPException(403, "This is no picture and no page. Ask by EventSource, or by fetch.")


async def _find(registry: Registry, session_id: str) -> ActiveConversation:
    try:
        if visit := await registry.find(visitor_id(session_id), session_id):
            return visit
    except StoreUnavailable as failure:
        raise HTTPException(503, str(failure)) from failure
    raise HTTPException(404, UNKNOWN)


async def _place(
    registry: Registry, question: Question, last_event_id: str | None, address: str
) -> Place | None:
    """A new answer's begin, or the place where a stream broke; None when that is gone."""
    if last_event_id == END:
        raise HTTPException(204)
    if last_event_id is not None:
        return await _broken(registry, question.session_id, last_event_id)
    if not question.session_id:
        return await _begin(registry, registry.open(), question.query, address)
    visit = await _find(registry, question.session_id)
    if visit.is_busy:
        raise HTTPException(409, Notice("busy").text)
    return await _begin(registry, visit, question.query, address)


async def _begin(registry: Registry, visit: ActiveConversation, query: str, address: str) -> Place:
    log = visit.ask(Message(query, visitor=Visitor(address=address)))
    place = Place(visit.conversation.session_id, visit.turns, log)
    await check_admitted(log.turn, partial(_forget_empty, registry, visit))
    return place


def _forget_empty(registry: Registry, visit: ActiveConversation) -> None:
    if not visit.conversation.turns:
        registry.forget_soon(visit.conversation.key)


async def _broken(registry: Registry, session_id: str | None, event_id: str) -> Place | None:
    place = re.fullmatch(r"(.+)\.(\d{1,9})\.(\d{1,9})", event_id, re.ASCII)
    visit = await registry.find(visitor_id(place[1]), place[1]) if place else None
    if not (place and visit and visit.log and session_id in (None, place[1])):
        return None
    turn, after = int(place[2]), int(place[3])
    is_known = turn == visit.turns and after <= len(visit.log.told)
    return Place(place[1], turn, visit.log, after) if is_known else None


async def _events(place: Place | None) -> AsyncIterator[Event]:
    if place is None:
        yield _event(Notice(GONE))
    else:
        async with aclosing(_answer(place)) as events:
            async for event in events:
                yield event
    yield Event(raw_data="[DONE]", id=END)


async def _answer(place: Place) -> AsyncGenerator[Event, None]:
    session = to_json({"session_id": place.session_id})
    yield Event(event="session", raw_data=session, id=place.id(place.after), retry=RETRY)
    async with aclosing(place.log.read(place.after)) as changes:
        async for number, change in changes:
            if change:
                yield _event(change, place.id(number))
            else:
                yield Event(comment=f"{place.log.turn.elapsed:.0f} s")


def _event(change: Delta, id: str | None = None) -> Event:
    name, data = _wire(change)
    return Event(event=name, raw_data=to_json(data), id=id)


def _wire(change: Delta) -> tuple[str | None, dict[str, Any]]:
    """The event's name, None for words of the answer, and its data."""
    match change:
        case Text(text=text):
            return None, {"text": text}
        case Rewrite(text=text):
            return None, {"text": text, "replace": True}
        case Thought(text=text):
            return "thought", {"text": text}
        case ToolCall(id=id, name=name, args=args, seconds=None):
            return "tool_call", {"id": id, "name": name, "args": args}
        case ToolCall(id=id, name=name, result=result, seconds=seconds):
            return "tool_result", {"id": id, "name": name, "result": result, "seconds": seconds}
        case Picture(mime_type=kind, data=data):
            return "file", {"mime_type": kind, "data": base64.b64encode(data).decode()}
        case Notice(text=text):
            return "failure", {"text": text}
