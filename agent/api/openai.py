"""The agent as an OpenAI-compatible model: for the `openai` client, Open WebUI, HF chat-ui.

Such a client keeps the conversation itself and sends all of it each time. So each request is a
conversation of its own, which begins with what the client remembers and is forgotten afterwards.
The agent has its own instruction, tools and generation settings; what a client sends of those is
accepted and not used.
"""

import secrets
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.sse import format_sse_event
from google.genai import types
from pydantic import BaseModel, Field, SecretStr

from agent.api.errors import PlainRoute, check_admitted
from agent.chat.registry import ActiveConversation, Registry
from agent.chat.streams import DeltaLog
from agent.chat.turn import Turn
from agent.core.deltas import Delta, Rewrite
from agent.core.question import Question
from agent.core.text import clean, to_json
from agent.core.transcript import Text, Thought, answer, notices

HEARTBEAT = format_sse_event(comment="working")

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""No proxy on the way may keep the stream back."""


class Part(BaseModel):
    """A piece of a message."""

    type: str
    text: str = ""


class Message(BaseModel):
    """One message of the conversation that the client remembers."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None

    def text(self) -> str:
        """All its text.

        Raises:
            HTTPException: 400 for a picture or a file, which this door does not take.
        """
        parts = self.content if isinstance(self.content, list) else []
        if any(part.type != "text" for part in parts):
            raise HTTPException(400, "Only text can be sent here, no pictures and no files.")
        return clean("".join(part.text for part in parts) if parts else str(self.content or ""))

    def to_content(self) -> types.Content:
        """The message as ADK stores it; an instruction of the client's comes as from its user."""
        kind = types.ModelContent if self.role == "assistant" else types.UserContent
        return kind(self.text())


class StreamOptions(BaseModel):
    """What else a stream shall tell."""

    include_usage: bool | None = False


class ChatRequest(BaseModel):
    """OpenAI's request, as far as it is used here."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = 1


class OpenAIRoute(PlainRoute):
    """A route whose refusals have OpenAI's form, which its clients show to their users."""

    def refusal(self, status: int, sentence: str) -> Response:
        """The answer that says no, and that asking again will not help: `x-should-retry` is the
        openai client's, which would otherwise try each failing turn three times."""
        status = 400 if status == 422 else status
        return JSONResponse(_error(status, sentence), status, headers={"x-should-retry": "false"})


def router(registry: Registry, name: str) -> APIRouter:
    """`/v1/models` and `/v1/chat/completions` for the agent `name`, behind the host's token."""
    began = int(time.time())
    guard = Depends(_guard(registry.settings.api_token or SecretStr("")))
    routes = APIRouter(prefix="/v1", tags=["openai"], route_class=OpenAIRoute, dependencies=[guard])

    agent = {"id": name, "object": "model", "created": began, "owned_by": "adk"}

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
    async def complete(asked: ChatRequest, request: Request) -> Response | dict[str, Any]:
        """The agent's answer to the last message: whole, or as a stream of chunks."""
        _check_name(asked.model, name)
        visit, turn = _begin(registry, asked.messages)
        reply = Reply(name, turn)
        await check_admitted(turn, partial(registry.forget_soon, visit.conversation.key))
        if asked.stream:
            options = asked.stream_options or StreamOptions()
            chunks = _stream(registry, visit, reply, bool(options.include_usage))
            return StreamingResponse(chunks, media_type="text/event-stream", headers=HEADERS)
        await _finish(registry, visit, reply.turn, request)
        return reply.whole()

    return routes


def _check_name(asked: str, name: str) -> None:
    if asked != name:
        raise HTTPException(404, f"There is no model {asked!r} here, only {name!r}.")


def _guard(token: SecretStr) -> Any:
    async def check(
        shown: Annotated[
            HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))
        ],
    ) -> None:
        given = shown.credentials if shown else ""
        if not secrets.compare_digest(given.encode(), token.get_secret_value().encode()):
            raise HTTPException(401, "This needs the token that the host of this agent has set.")

    return check


def _begin(registry: Registry, messages: list[Message]) -> tuple[ActiveConversation, Turn]:
    """The answer to the last message. Its address does not count: one client may have many users,
    whom the host has let in by the token."""
    *earlier, last = messages
    if last.role != "user" or not last.text().strip():
        raise HTTPException(400, "The last message must be the user's, and may not be empty.")
    earlier_contents = [message.to_content() for message in earlier if message.text()]
    visit = registry.open()
    return visit, visit.conversation.ask(Question(last.text(), earlier=earlier_contents))


async def _finish(
    registry: Registry, visit: ActiveConversation, turn: Turn, request: Request
) -> None:
    """Wait for the end, or for the client to leave: nobody can take this answer up later."""
    try:
        async with aclosing(turn.watch()) as transcripts:
            async for _ in transcripts:
                if await request.is_disconnected():
                    turn.stop()
    finally:
        registry.forget_soon(visit.conversation.key)


async def _stream(
    registry: Registry, visit: ActiveConversation, reply: "Reply", with_usage: bool
) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(reply.chunks()) as chunks:
            async for chunk in chunks:
                yield format_sse_event(data_str=to_json(chunk)) if chunk else HEARTBEAT
        if with_usage:
            yield format_sse_event(data_str=to_json(reply.chunk_of_usage()))
        yield format_sse_event(data_str="[DONE]")
    finally:
        registry.forget_soon(
            visit.conversation.key
        )  # Which stops the turn, if its client has left.


@dataclass
class Reply:
    """A turn in OpenAI's words."""

    model: str
    turn: Turn
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self) -> dict[str, Any]:
        """The answer in one piece.

        Raises:
            HTTPException: 502 with the reason, when there is no answer at all.
        """
        if self.is_nothing():
            raise HTTPException(502, self.reason())
        text = clean(answer(self.turn.transcript)) + self.ending()
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason()}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage()}

    async def chunks(self) -> AsyncGenerator[dict[str, Any] | None, None]:
        """The answer's chunks as they come; None as a sign of life."""
        yield self._chunk({"role": "assistant", "content": ""})
        async with aclosing(DeltaLog(self.turn).read()) as changes:
            async for _, change in changes:
                if delta := _delta(change):
                    yield self._chunk(delta)
                elif change is None:
                    yield None
        if self.is_nothing():
            yield _error(502, self.reason())
            return
        if ending := self.ending():
            yield self._chunk({"content": ending})
        yield self._chunk({}, self.finish_reason())

    def chunk_of_usage(self) -> dict[str, Any]:
        """The chunk that comes last where the client asks for it."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage()}

    def is_nothing(self) -> bool:
        """Whether the turn failed before its first word."""
        failed = self.turn.failure not in (None, "MAX_TOKENS")
        return failed and not answer(self.turn.transcript)

    def reason(self) -> str:
        """Why the answer is not whole, or not the agent's own model's."""
        return " ".join(notices(self.turn.transcript))

    def ending(self) -> str:
        """What follows an answer of which there is more to say than `finish_reason` does."""
        is_told = self.turn.failure == "MAX_TOKENS" or not self.reason()
        return "" if is_told else f"\n\n({self.reason()})"

    def finish_reason(self) -> str:
        """OpenAI has no other word for an answer that was cut off than "length"."""
        return "length" if self.turn.failure else "stop"

    def usage(self) -> dict[str, int]:
        """Tokens as the model reports them; of a stopped call it reports none."""
        used = self.turn.usage
        return {
            "prompt_tokens": used.prompt,
            "completion_tokens": used.answer,
            "total_tokens": used.prompt + used.answer,
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}


def _delta(change: Delta | None) -> dict[str, str] | None:
    """`reasoning_content` is what front ends know a model's thoughts by."""
    match change:
        case Text(text=text):
            return {"content": text}
        case Rewrite(text=text):
            return {"content": f"\n\n{text}"}
        case Thought(text=text):
            return {"reasoning_content": text}
    return None


def _error(status: int, sentence: str) -> dict[str, Any]:
    kind = "api_error" if status >= 500 else "invalid_request_error"
    code = {401: "invalid_api_key", 404: "model_not_found"}.get(status)
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}
