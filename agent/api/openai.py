"""Each agent as an OpenAI-compatible model: for the `openai` client, Open WebUI, HF chat-ui.

Such a client keeps the conversation itself and sends all of it each time. So each request is a
conversation of its own, which begins with what the client remembers and is forgotten afterwards.
README.md says which parts of a request count.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.types import Scope

from agent.api.errors import check_admitted
from agent.api.openai_answer import Completion
from agent.api.openai_error import ApiError, OpenAIRoute
from agent.api.openai_request import ChatRequest
from agent.api.openai_responses import ResponsesAnswer, ResponsesRequest
from agent.api.sse import STREAM_HEADERS
from agent.chat.agents import Agents
from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.question import Question

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

NOTHING_HERE = "There is nothing at this address, only models, chat completions and responses."


def router(agents: Agents) -> APIRouter:
    """All routes below `/v1`, for clients that send the token."""
    check_token = _token_check(agents.settings.api_token or SecretStr(""))
    routes = APIRouter(
        prefix="/v1",
        tags=["openai"],
        route_class=OpenAIRoute,
        dependencies=[Depends(check_token)],
    )
    about = {"object": "model", "created": int(time.time()), "owned_by": "adk"}

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        """The models that there are: the agents."""
        return {"object": "list", "data": [{"id": name, **about} for name in agents.names]}

    @routes.get("/models/{model}")
    async def model(model: str) -> dict[str, Any]:
        """An agent, by its name."""
        _check_name(model, agents.names)
        return {"id": model, **about}

    @routes.post("/chat/completions", response_model=None)
    async def complete(body: ChatRequest, request: Request) -> Response | dict[str, Any]:
        """The agent's answer to the last message: whole, or as a stream of chunks."""
        return await _answer(agents, body, request)

    @routes.post("/responses", response_model=None)
    async def respond(body: ResponsesRequest, request: Request) -> Response | dict[str, Any]:
        """The same by OpenAI's newer API."""
        return await _answer(agents, body, request)

    @routes.api_route("/{path:path}", methods=METHODS, include_in_schema=False)
    async def nothing(request: Request) -> None:
        """Any other address below `/v1`."""
        raise _not_here(routes, request)

    return routes


def _not_here(routes: APIRouter, request: Request) -> ApiError:
    """405 where one of the routes is at this address, but takes other methods; else 404."""
    all_routes = [route for route in routes.routes if isinstance(route, Route)]
    partly = [route for route in all_routes if route.matches(request.scope)[0] is Match.PARTIAL]
    methods = sorted({method for route in partly for method in route.methods or ()})
    if not methods:
        return ApiError(404, NOTHING_HERE, "unknown_url")
    return ApiError(405, f"This address takes {' and '.join(methods)} alone.")


async def _answer(
    agents: Agents, body: ChatRequest | ResponsesRequest, request: Request
) -> Response | dict[str, Any]:
    """Ask the agent; the response, in the form of the API that was called.

    Raises:
        HTTPException: if there is no answer at all.
    """
    if not agents.are_several:
        # Before the name is checked: while the only agent is being mended, its name is not known.
        agents.first.limits.check_open()
    _check_name(body.model, agents.names)
    # In a thread, as the body may hold files.
    question = await asyncio.to_thread(body.question, agents.settings)
    turn, forget = await _begin(await agents.get(body.model), question)
    completion = Completion(body.model, turn, str(request.base_url))
    response = ResponsesAnswer(completion) if isinstance(body, ResponsesRequest) else None
    if not body.stream:
        await _finish(turn, request, forget)
        return response.whole() if response else completion.whole()
    chunks = completion.chunks(body.with_usage)
    first = await _first(chunks, turn, request, forget)
    events = response.events(chunks) if response else completion.events(first, chunks)
    return StreamingResponse(
        _to_the_end(events, forget), media_type="text/event-stream", headers=STREAM_HEADERS
    )


def _check_name(model: str, names: Sequence[str]) -> None:
    """Raise ApiError 404 for the name of no agent."""
    if model not in names:
        sentence = f"There is no model {model!r} here, only {', '.join(map(repr, names))}."
        raise ApiError(404, sentence, "model_not_found")


def has_token(scope: Scope, token: SecretStr | None) -> bool:
    """Whether a request shows the host's token; False where none is set."""
    scheme, _, shown = Headers(scope=scope).get("authorization", "").partition(" ")
    expected = token.get_secret_value() if token else ""
    is_right = secrets.compare_digest(shown.strip().encode(), expected.encode())
    return bool(expected) and is_right and scheme.lower() == "bearer"


def _token_check(token: SecretStr) -> Callable[..., Awaitable[None]]:
    """A dependency that raises ApiError 401 for a request without this token."""

    # It puts the token into /openapi.json.
    described = HTTPBearer(auto_error=False)

    async def check(
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Depends(described)],
    ) -> None:
        if not has_token(request.scope, token):
            raise ApiError(401, "This needs the token that the host of this agent has set.")

    return check


async def _begin(registry: Registry, question: Question) -> tuple[Turn, Callable[[], None]]:
    """Begin the answer to a question: its turn, and a function that forgets its conversation.

    The client's address does not count: one client may have many users, whom the host has let in
    by the token.

    Raises:
        HTTPException: 422, 429 or 503 where a limit is reached.
    """
    conversation = registry.open().conversation
    turn = conversation.ask(question)
    forget = partial(registry.forget_soon, conversation.key)
    await check_admitted(turn, forget)
    return turn, forget


async def _finish(turn: Turn, request: Request, forget: Callable[[], None]) -> None:
    """Wait for the end; stop if the client leaves, since it cannot resume this answer later."""
    try:
        async with aclosing(turn.watch()) as transcripts:
            async for _ in transcripts:
                if await request.is_disconnected():
                    turn.stop()
    finally:
        forget()


async def _first(
    chunks: AsyncGenerator[dict[str, Any] | None, None],
    turn: Turn,
    request: Request,
    forget: Callable[[], None],
) -> dict[str, Any]:
    """The first chunk, once it is clear that there is going to be an answer.

    Raises:
        ApiError: if there is no answer.
    """
    try:
        while (chunk := await anext(chunks)) is None:
            if await request.is_disconnected():
                turn.stop()
    except BaseException:
        forget()
        raise
    return chunk


async def _to_the_end(
    events: AsyncGenerator[bytes, None], forget: Callable[[], None]
) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    finally:
        forget()  # It stops the turn too, if the client has left.
