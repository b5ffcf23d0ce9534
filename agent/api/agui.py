"""The agent for front ends that speak AG-UI, such as CopilotKit and assistant-ui.

    POST /agui              RunAgentInput of https://docs.ag-ui.com, answered by its events
    POST /agui?agent=NAME   of several agents, this one in a new thread

README.md says which parts of a request count, and what each of them does.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Annotated, TypeAlias

from ag_ui.core import BaseEvent, RunAgentInput
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from agent.api import sessions
from agent.api.agui_events import RunEvents, encode, refused, started
from agent.api.agui_request import parse_input, session_of, to_question
from agent.api.errors import PlainErrorRoute, limit_error
from agent.api.openai import has_token
from agent.api.openai_answer import KEEP_ALIVE
from agent.api.sse import STREAM_HEADERS
from agent.api.sse_request import AGENT
from agent.chat.agents import Agents
from agent.chat.registry import ActiveConversation
from agent.chat.streams import DeltaLog
from agent.core.visitor import Visitor, person_of
from agent.limits.client_address import client_address
from agent.limits.rate_limits import LimitExceeded
from agent.stores.fallback import StoreUnavailable

Events: TypeAlias = AsyncGenerator[BaseEvent | None, None]

# Seconds that a new request waits for the answer before, whose client has pressed Stop: until the
# server has noticed that, and the answer has ended (agent/chat/turn.py).
STOP_TIMEOUT = 3.0

# Its schema is the protocol's own, and long.
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "title": "RunAgentInput"}}},
    }
}


async def _run_input(request: Request) -> RunAgentInput:
    """The request's body, parsed in a thread: it may hold megabytes of files."""
    return await asyncio.to_thread(parse_input, await request.body())


def router(agents: Agents) -> APIRouter:
    """`/agui`."""
    routes = APIRouter(tags=["agui"], route_class=PlainErrorRoute)

    @routes.post("/agui", response_class=StreamingResponse, openapi_extra=BODY, summary="Run")
    async def run(
        request: Request,
        run_input: Annotated[RunAgentInput, Depends(_run_input)],
        agent: Annotated[str | None, Query(description=AGENT, max_length=200)] = None,
    ) -> StreamingResponse:
        """Ask the agent, or answer what it or its tools ask; its answer as events of AG-UI."""
        try:
            events = await _begin(agents, run_input, request, agent)
        except LimitExceeded as error:
            events = _refusal(limit_error(error))
        except StoreUnavailable as error:
            events = _refusal(HTTPException(503, error.notice.text))
        except HTTPException as error:
            events = _refusal(error)
        return StreamingResponse(
            _stream(run_input, events), media_type="text/event-stream", headers=STREAM_HEADERS
        )

    return routes


async def _begin(
    agents: Agents, run_input: RunAgentInput, request: Request, agent: str | None
) -> Events:
    """Begin the answer; its events.

    Raises:
        HTTPException, LimitExceeded, StoreUnavailable: where the request is not answered.
    """
    settings, session_id = agents.settings, session_of(run_input)
    person = person_of(request)
    user_id = sessions.user_id_of(session_id, person) if session_id else ""
    active = await agents.find(user_id, session_id) if session_id else None
    if active:
        await _let_end(active)
        await active.conversation.refresh()
    turns = active.conversation.turns if active else None
    # In a thread, as the request may hold files.
    question = await asyncio.to_thread(to_question, run_input, turns, settings)
    # One client with the token may have many users, whom the host has let in by it.
    shows_token = has_token(request.scope, settings.api_token)
    address = None if shows_token else client_address(request)
    for file in question.files:
        if file.data and address is not None:
            await agents.limits.admit_upload(
                person.user_id if person else "", address, len(file.data)
            )
    question = replace(question, visitor=Visitor(address=address))
    active, log = await sessions.begin(
        agents, question, session_id=session_id if active else None, agent=agent, person=person
    )
    run = RunEvents(
        run_input,
        log.turn,
        agent_name=active.conversation.runner.agent.name,
        root=str(request.base_url),
        answered=question.results.keys(),
        reply_timeout=settings.reply_timeout,
    )
    return _events(log, run)


async def _let_end(active: ActiveConversation) -> None:
    """Wait for the end of an answer that was just stopped: its words belong to the thread."""
    if active.log and not active.log.turn.over:
        # After the timeout that answer still runs, and the new request is refused.
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT):
                await active.log.turn.finish()


async def _events(log: DeltaLog, run: RunEvents) -> Events:
    """The turn's events; None where nothing has come for a while.

    The turn ends when the client leaves: it has pressed Stop, or cannot come back to this answer.
    """
    try:
        async with aclosing(log.read()) as deltas:
            async for _, delta in deltas:
                if delta is None:
                    yield None
                else:
                    for event in run.of(delta):
                        yield event
        for event in run.end():
            yield event
    finally:
        log.turn.stop()


async def _refusal(error: HTTPException) -> Events:
    yield refused(error)


async def _stream(run_input: RunAgentInput, events: Events) -> AsyncGenerator[bytes, None]:
    yield encode(started(run_input))
    async with aclosing(events):
        async for event in events:
            yield encode(event) if event else KEEP_ALIVE
