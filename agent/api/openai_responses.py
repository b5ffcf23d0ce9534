"""`/v1/responses`, OpenAI's newer API, where some clients ask first. Nothing is kept."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from typing import Any, ClassVar, Literal

from fastapi import HTTPException
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field

from agent.api.openai_answer import KEEP_ALIVE, Completion
from agent.api.openai_files import ContentPart
from agent.api.openai_request import (
    LAST_MESSAGE,
    ChatMessage,
    ChatRequest,
    JsonSchema,
    ResponseFormat,
)
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.text import to_json

NOT_KEPT = "Answers are not kept here. Send the whole conversation as input."

# Why an answer is incomplete, by the reason that the older API has for it.
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class InputItem(BaseModel):
    """A message; or something else, such as a call of a client's own tool, which is left out."""

    type: str = "message"
    role: Literal["system", "developer", "user", "assistant"] = "user"
    content: str | list[ContentPart] | None = None


class Format(BaseModel):
    """Whether the answer is to be text, or JSON."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema_: dict[str, Any] = Field(default={}, alias="schema")


class TextOptions(BaseModel):
    """How the answer's text is to be."""

    format: Format = Format(schema={})


class ResponsesRequest(BaseModel):
    """OpenAI's request, as far as it is used here."""

    model: str
    input: str | list[InputItem]
    instructions: str | None = None
    stream: bool | None = False
    max_output_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    text: TextOptions | None = None
    previous_response_id: str | None = None
    # Only the older API's requests choose this: here the last event of a stream always tells it.
    with_usage: ClassVar[bool] = False

    def question(self, settings: Settings) -> Question:
        """The last message as a question, by way of the older API's request.

        Raises:
            HTTPException: 400 for a request that cannot be answered.
            LimitExceeded: if it is too long.
        """
        if self.previous_response_id:
            raise HTTPException(400, NOT_KEPT)
        items = [InputItem(content=self.input)] if isinstance(self.input, str) else self.input
        messages = [
            ChatMessage(role=item.role, content=item.content)
            for item in items
            if item.type == "message"
        ]
        if not messages:
            raise HTTPException(400, LAST_MESSAGE)
        if self.instructions:
            messages.insert(0, ChatMessage(role="system", content=self.instructions))
        form = (self.text or TextOptions()).format
        schema = JsonSchema(schema=form.schema_)
        return ChatRequest(
            model=self.model,
            messages=messages,
            max_completion_tokens=self.max_output_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            response_format=ResponseFormat(type=form.type, json_schema=schema),
        ).question(settings)


class ResponsesAnswer:
    """A turn's answer, as `/v1/responses` gives it.

    Args:
        completion: The turn's answer as the older API gives it.
    """

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._id, self._message_id = (f"{kind}_{uuid.uuid4().hex}" for kind in ("resp", "msg"))

    def whole(self) -> dict[str, Any]:
        """The answer in one piece.

        Raises:
            ApiError: with the reason, when there is no answer at all.
        """
        [choice] = self._completion.whole()["choices"]
        return self._ended(choice["message"]["content"])

    async def events(
        self, chunks: AsyncGenerator[dict[str, Any] | None, None]
    ) -> AsyncGenerator[bytes, None]:
        """The answer's events, made of the older API's chunks."""
        numbers, text = count(), ""
        message, place = self._message_id, {"output_index": 0, "content_index": 0}

        def event(name: str, **data: Any) -> bytes:
            data = {"type": f"response.{name}", "sequence_number": next(numbers), **data}
            return format_sse_event(event=data["type"], data_str=to_json(data))

        yield event("created", response=self._response("in_progress"))
        yield event("in_progress", response=self._response("in_progress"))
        item = self._item("in_progress", [])
        yield event("output_item.added", output_index=0, item=item)
        yield event("content_part.added", item_id=message, part=_part(""), **place)
        async with aclosing(chunks):
            async for chunk in chunks:
                if chunk is None:
                    yield KEEP_ALIVE
                elif error := chunk.get("error"):
                    error = {"code": "server_error", "message": error["message"]}
                    yield event("failed", response=self._response("failed", error=error))
                    return
                elif words := chunk["choices"][0]["delta"].get("content"):
                    text += words
                    yield event(
                        "output_text.delta", item_id=message, delta=words, logprobs=[], **place
                    )
        yield event("output_text.done", item_id=message, text=text, logprobs=[], **place)
        yield event("content_part.done", item_id=message, part=_part(text), **place)
        ended = self._ended(text)
        yield event("output_item.done", output_index=0, item=ended["output"][0])
        yield event(ended["status"], response=ended)

    def _ended(self, text: str) -> dict[str, Any]:
        """The response with an answer, which may be incomplete."""
        reason = INCOMPLETE.get(self._completion.finish_reason)
        status, usage = "incomplete" if reason else "completed", self._completion.usage
        return self._response(
            status,
            incomplete_details={"reason": reason} if reason else None,
            output=[self._item(status, [_part(text)])],
            usage={
                "input_tokens": usage["prompt_tokens"],
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": usage["completion_tokens"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage["total_tokens"],
            },
        )

    def _response(self, status: str, **more: Any) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._completion.created,
            "model": self._completion.model,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "output": [],
            "parallel_tool_calls": False,
            "previous_response_id": None,
            "store": False,
            "temperature": None,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "usage": None,
            **more,
        }

    def _item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "type": "message",
            "id": self._message_id,
            "status": status,
            "role": "assistant",
            "content": content,
        }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
