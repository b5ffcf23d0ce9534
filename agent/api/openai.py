"""The agent as an OpenAI-compatible model: for the `openai` client, Open WebUI, HF chat-ui.

Such a client keeps the conversation itself and sends all of it each time. So each request is a
conversation of its own, which begins with what the client remembers and is forgotten afterwards.
The agent has its own instruction, tools and generation settings; what a client sends of those is
accepted and not used.
"""

import secrets
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal, assert_never

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.sse import format_sse_event
from google.genai import types
from pydantic import BaseModel, Field, SecretStr
from starlette.datastructures import Headers
from starlette.types import Scope

from agent.api.errors import PlainErrorRoute, check_admitted
from agent.chat.registry import Registry
from agent.chat.streams import DeltaLog
from agent.chat.turn import Turn
from agent.core.deltas import Delta, Rewrite
from agent.core.question import Question
from agent.core.text import clean, to_json
from agent.core.transcript import Notice, Picture, Text, Thought, ToolCall, answer, notices
from agent.core.visitor import SessionKey
from agent.limits.rate_limits import LimitExceeded, Limits

# No proxy on the way may buffer the stream.
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

KEEP_ALIVE = format_sse_event(comment="working")

# Messages before the last, of whatever role: to store 1,000 takes some seconds.
MAX_EARLIER = 500

# ADK's code of an answer that has reached its length limit, for which OpenAI has a finish reason.
MAX_TOKENS = "MAX_TOKENS"


class ContentPart(BaseModel):
    """A part of a message's content."""

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """One message of the conversation that the client remembers."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[ContentPart] | None = None

    def text(self) -> str:
        """All its text.

        Raises:
            HTTPException: 400 for a picture or a file, which this API does not take.
        """
        parts = self.content if isinstance(self.content, list) else []
        if any(part.type != "text" for part in parts):
            raise HTTPException(400, "Only text can be sent here, no pictures and no files.")
        return clean("".join(part.text for part in parts) if parts else str(self.content or ""))

    def to_content(self) -> types.Content:
        """The message as ADK stores it; a client's instruction is stored as its user's words."""
        content = types.ModelContent if self.role == "assistant" else types.UserContent
        return content(self.text())


class StreamOptions(BaseModel):
    """What else a stream shall hold."""

    include_usage: bool | None = False


class ChatRequest(BaseModel):
    """OpenAI's request, as far as it is used here."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = 1


class OpenAIRoute(PlainErrorRoute):
    """A route whose errors have OpenAI's form, which its clients show to their users."""

    def error_response(self, status: int, sentence: str) -> Response:
        """The error, with the `openai` client's own header for "do not retry": it would otherwise
        ask for each failing turn three times."""
        status = 400 if status == 422 else status
        return JSONResponse(_error(status, sentence), status, headers={"x-should-retry": "false"})


def router(registry: Registry, name: str) -> APIRouter:
    """`/v1/models` and `/v1/chat/completions` for the agent `name`, for whoever has the token."""
    check_token = _token_check(registry.settings.api_token or SecretStr(""))
    routes = APIRouter(
        prefix="/v1",
        tags=["openai"],
        route_class=OpenAIRoute,
        dependencies=[Depends(check_token)],
    )
    agent = {"id": name, "object": "model", "created": int(time.time()), "owned_by": "adk"}

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        """The one model there is: the agent."""
        return {"object": "list", "data": [agent]}

    @routes.get("/models/{model}")
    async def model(model: str) -> dict[str, Any]:
        """The agent, by its name."""
        _check_name(model, name)
        return agent

    @routes.post("/chat/completions", response_model=None)
    async def complete(body: ChatRequest, request: Request) -> Response | dict[str, Any]:
        """The agent's answer to the last message: whole, or as a stream of chunks."""
        _check_name(body.model, name)
        key, turn = _begin(registry, body.messages)
        forget = partial(registry.forget_soon, key)
        completion = Completion(name, turn)
        await check_admitted(turn, forget)
        if body.stream:
            with_usage = bool(body.stream_options and body.stream_options.include_usage)
            events = _stream(completion, with_usage, forget)
            return StreamingResponse(events, media_type="text/event-stream", headers=STREAM_HEADERS)
        await _finish(turn, request, forget)
        return completion.whole()

    return routes


def _check_name(model: str, name: str) -> None:
    if model != name:
        raise HTTPException(404, f"There is no model {model!r} here, only {name!r}.")


def has_token(scope: Scope, token: SecretStr | None) -> bool:
    """Whether a request shows the host's token, where there is one."""
    _, _, shown = Headers(scope=scope).get("authorization", "").partition(" ")
    right = token.get_secret_value() if token else ""
    return bool(right) and secrets.compare_digest(shown.strip().encode(), right.encode())


def _token_check(token: SecretStr) -> Callable[..., Awaitable[None]]:
    """A dependency that raises HTTPException 401 for a request without this token."""

    async def check(
        credentials: Annotated[
            HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))
        ],
    ) -> None:
        given = credentials.credentials if credentials else ""
        if not secrets.compare_digest(given.encode(), token.get_secret_value().encode()):
            raise HTTPException(401, "This needs the token that the host of this agent has set.")

    return check


def _begin(registry: Registry, messages: list[ChatMessage]) -> tuple[SessionKey, Turn]:
    """Begin the answer to the last message: the id of its session, and its turn.

    The client's address does not count: one client may have many users, whom the host has let in
    by the token.

    Raises:
        HTTPException: 400 for messages that cannot be answered.
    """
    *earlier, last = messages
    if last.role != "user" or not last.text().strip():
        raise HTTPException(400, "The last message must be the user's, and may not be empty.")
    _check_size(registry.limits, earlier)
    contents = [message.to_content() for message in earlier if message.text()]
    conversation = registry.open().conversation
    return conversation.key, conversation.ask(Question(last.text(), earlier=contents))


def _check_size(limits: Limits, earlier: list[ChatMessage]) -> None:
    """Count the earlier messages before any of them is stored: each but the model's is a turn.

    Raises:
        HTTPException: 400 for more, or longer ones, than a conversation may have here.
    """
    if len(earlier) > MAX_EARLIER:
        raise HTTPException(400, f"At most {MAX_EARLIER:,} earlier messages can be sent here.")
    longest = max((m.text() for m in earlier if m.role == "user"), key=len, default="")
    try:
        limits.check_size(longest, sum(message.role != "assistant" for message in earlier))
    except LimitExceeded as error:
        raise HTTPException(400, str(error)) from error


async def _finish(turn: Turn, request: Request, forget: Callable[[], None]) -> None:
    """Wait for the end; stop if the client leaves, since nobody can take this answer up later."""
    try:
        async with aclosing(turn.watch()) as transcripts:
            async for _ in transcripts:
                if await request.is_disconnected():
                    turn.stop()
    finally:
        forget()


async def _stream(
    completion: "Completion", with_usage: bool, forget: Callable[[], None]
) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(completion.chunks()) as chunks:
            async for chunk in chunks:
                yield format_sse_event(data_str=to_json(chunk)) if chunk else KEEP_ALIVE
        if with_usage:
            yield format_sse_event(data_str=to_json(completion.usage_chunk()))
        yield format_sse_event(data_str="[DONE]")
    finally:
        forget()  # Which stops the turn, if its client has left.


@dataclass
class Completion:
    """A turn's answer in OpenAI's form."""

    model: str
    turn: Turn
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self) -> dict[str, Any]:
        """The answer in one piece.

        Raises:
            HTTPException: 502 with the reason, when there is no answer at all.
        """
        if self.failed_without_answer:
            raise HTTPException(502, self.reason)
        text = clean(answer(self.turn.transcript)) + self.ending
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage}

    async def chunks(self) -> AsyncGenerator[dict[str, Any] | None, None]:
        """The answer's chunks as they come; None where nothing has come for a while."""
        yield self._chunk({"role": "assistant", "content": ""})
        async with aclosing(DeltaLog(self.turn).read()) as deltas:
            async for _, delta in deltas:
                if delta is None:
                    yield None
                elif content := _content(delta):
                    yield self._chunk(content)
        if self.failed_without_answer:
            yield _error(502, self.reason)
            return
        if self.ending:
            yield self._chunk({"content": self.ending})
        yield self._chunk({}, self.finish_reason)

    def usage_chunk(self) -> dict[str, Any]:
        """The chunk that comes last where the client asks for it."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage}

    @property
    def failed_without_answer(self) -> bool:
        """Whether the turn failed before its first word."""
        failed = self.turn.failure not in (None, MAX_TOKENS)
        return failed and not answer(self.turn.transcript)

    @property
    def reason(self) -> str:
        """Why the answer is not whole, or not the agent's own model's; empty where it is."""
        return " ".join(notices(self.turn.transcript))

    @property
    def ending(self) -> str:
        """What follows an answer where `finish_reason` does not say enough."""
        is_said = self.turn.failure == MAX_TOKENS or not self.reason
        return "" if is_said else f"\n\n({self.reason})"

    @property
    def finish_reason(self) -> str:
        """OpenAI has no other word than "length" for an answer that was cut off."""
        return "length" if self.turn.failure else "stop"

    @property
    def usage(self) -> dict[str, int]:
        """Tokens as the model reports them; of a stopped call it reports none."""
        usage = self.turn.usage
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.answer,
            "total_tokens": usage.prompt + usage.answer,
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(self, content: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": content, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}


def _content(delta: Delta) -> dict[str, str] | None:
    """What a chunk brings of this delta, if anything; front ends know a model's thoughts by the
    name `reasoning_content`."""
    match delta:
        case Text(text=text):
            return {"content": text}
        case Rewrite(text=text):
            return {"content": f"\n\n{text}"}
        case Thought(text=text):
            return {"reasoning_content": text}
        case ToolCall() | Picture():
            return None
        case Notice():
            return None  # `ending` has it.
        case _:
            assert_never(delta)


def _error(status: int, sentence: str) -> dict[str, Any]:
    kind = "api_error" if status >= 500 else "invalid_request_error"
    code = {401: "invalid_api_key", 404: "model_not_found"}.get(status)
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}
