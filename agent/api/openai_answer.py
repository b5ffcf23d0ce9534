"""A turn's answer in OpenAI's form: whole, as chunks, or as an error."""

import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, assert_never

from fastapi.sse import format_sse_event

from agent.api.openai_error import ApiError
from agent.chat.streams import DeltaLog
from agent.chat.turn import Turn
from agent.core.deltas import Delta, Rewrite, deltas, words
from agent.core.errors import MAX_TOKENS, MAX_TOKENS_BEFORE_WORDS, explain
from agent.core.files import File
from agent.core.pauses import Pause, sentence
from agent.core.said import Said
from agent.core.sources import Sources
from agent.core.text import to_json
from agent.core.transcript import Notice, Text, Thought, ToolCall, answer, notices
from agent.core.waiting import open_pauses, to_come
from agent.render import source_list
from agent.render.file_links import to_link

KEEP_ALIVE = format_sse_event(comment="working")

DECLINED = "declined"

# The name by which front ends know what a model says to itself.
REASONING = "reasoning_content"

# Seconds for which a stream waits for its first words, so that a failure before them can still have
# an HTTP status: longer than a busy Gemini takes to refuse three tries.
FIRST_WORDS_TIMEOUT = 8.0

# Seconds to wait for a model that is busy and does not say for how long; its notice says so too.
BUSY_WAIT = 60

# The HTTP statuses of failures, by the notice's code. Clients ask again after a 5xx or a 429.
STATUSES = {
    **dict.fromkeys(("model_busy", "model_busy_for"), 429),
    **dict.fromkeys((DECLINED, "bad_request"), 400),
    "store_unavailable": 503,
    "model_slow": 504,
}


@dataclass
class Completion:
    """A turn's answer, as `/v1/chat/completions` gives it."""

    model: str
    turn: Turn
    # This app's own address, for links to files.
    root: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self) -> dict[str, Any]:
        """The answer in one piece.

        Raises:
            ApiError: with the reason, when there is no answer at all.
        """
        if self.failed_without_answer:
            raise self.error
        contents = [self._content(delta) for delta in deltas((), self.turn.transcript)]
        text = "".join(content.get("content", "") for content in contents) + self.ending
        message = {"role": "assistant", "content": text, "refusal": None}
        if reasoning := "".join(content.get(REASONING, "") for content in contents):
            message[REASONING] = reasoning
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage}

    async def chunks(self, with_usage: bool = False) -> AsyncGenerator[dict[str, Any] | None, None]:
        """The answer's chunks as they come; None where nothing has come for a while.

        Raises:
            ApiError: in place of the first chunk, when the turn fails before it.
        """
        has_begun = False
        async with aclosing(DeltaLog(self.turn).read()) as log:
            async for _, delta in log:
                content = self._content(delta) if delta else {}
                if not has_begun and (content or self.turn.elapsed > FIRST_WORDS_TIMEOUT):
                    has_begun = True
                    yield self._chunk({"role": "assistant", "content": ""})
                if content:
                    yield self._chunk(content)
                elif delta is None:
                    yield None
        if not has_begun:
            if self.failed_without_answer:
                raise self.error
            yield self._chunk({"role": "assistant", "content": ""})
        for chunk in self._last_chunks(with_usage):
            yield chunk

    async def events(
        self, first: dict[str, Any], chunks: AsyncGenerator[dict[str, Any] | None, None]
    ) -> AsyncGenerator[bytes, None]:
        """The stream of server-sent events: the first chunk, and all that follow."""
        yield format_sse_event(data_str=to_json(first))
        async with aclosing(chunks):
            async for chunk in chunks:
                yield format_sse_event(data_str=to_json(chunk)) if chunk else KEEP_ALIVE
        yield format_sse_event(data_str="[DONE]")

    def _last_chunks(self, with_usage: bool) -> Iterator[dict[str, Any]]:
        if self.failed_without_answer:
            yield self.error.body
        else:
            if self.ending:
                yield self._chunk({"content": self.ending})
            yield self._chunk({}, self.finish_reason)
        if with_usage:
            yield {**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage}

    @property
    def failed_without_answer(self) -> bool:
        """Whether the turn failed before its first word."""
        # For an answer that has reached its length limit OpenAI has a finish reason.
        failed = self.turn.failure not in (None, MAX_TOKENS, MAX_TOKENS_BEFORE_WORDS)
        return failed and not answer(self.turn.transcript)

    @property
    def error(self) -> ApiError:
        """Why there is no answer."""
        notice = self._failure or Notice("empty")
        status = STATUSES.get(notice.code, 502)
        wait = int(notice.args.get("wait", BUSY_WAIT)) if status == 429 else None
        code = "content_filter" if notice.code == DECLINED else None
        return ApiError(status, self.reason, code, wait)

    @property
    def reason(self) -> str:
        """Why the answer is not whole, or comes from another model; "" where neither is so."""
        return " ".join(notices(self.turn.transcript))

    @property
    def ending(self) -> str:
        """What follows an answer where `finish_reason` does not say enough: why it is not whole,
        and what the agent waits for."""
        transcript, pauses = self.turn.transcript, open_pauses(self.turn.transcript)
        waits = [*map(sentence, pauses), *to_come(transcript)]
        sentences = [notice.text for notice in waits]
        if pauses:
            sentences.append(Notice("nobody_answers").text)
        if self.turn.failure != MAX_TOKENS and self.reason:
            sentences.append(self.reason)
        gap = "\n\n" if answer(transcript) and sentences else ""
        return gap + (f"({' '.join(sentences)})" if sentences else "")

    @property
    def finish_reason(self) -> str:
        """Why the answer ends. OpenAI has no other word than "length" for one that broke off."""
        if self._failure is None:
            return "stop"
        return "content_filter" if self._failure.code == DECLINED else "length"

    @property
    def usage(self) -> dict[str, int]:
        """Tokens as the model reports them; those of a stopped call, as far as it was streamed."""
        usage = self.turn.usage
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.answer,
            "total_tokens": usage.prompt + usage.answer,
        }

    @property
    def _failure(self) -> Notice | None:
        return explain(self.turn.failure) if self.turn.failure else None

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(self, content: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": content, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _content(self, delta: Delta) -> dict[str, str]:
        """The fields of a message or a chunk for this delta; {} for none.

        A tool's call stands among the thoughts: clients would answer one in `tool_calls`.
        """
        match delta:
            case Text() | Rewrite():
                return {"content": words(delta)}
            case Thought(text=text):
                return {REASONING: text}
            case ToolCall(name=name, args=args, seconds=None):
                return {REASONING: f"\n[{name} {to_json(args, ensure_ascii=False)}]\n"}
            case ToolCall():
                return {}
            case File():
                link = to_link(delta, self.root, salt=self.id)
                return {"content": f"\n\n{link}\n\n"} if link else {}
            case Sources():
                return {"content": f"\n\n{source_list.to_markdown(delta)}"}
            case Pause() | Notice() | Said():
                return {}  # `ending` has the first two, and nobody speaks in a turn of this API.
            case _:
                assert_never(delta)
