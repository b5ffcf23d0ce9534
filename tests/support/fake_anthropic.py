"""A server on loopback that speaks Anthropic's Messages API, to drive real clients of it.

    with FakeAnthropic() as server:             # ANTHROPIC_BASE_URL=server.url
        server.enqueue("Hel", "lo", Close())    # the next request's reply, step by step

The steps are those of fake_gemini: texts, `Call`, `Until`, `Hang`, `Close` and `Status`, which in
the middle of a stream is an event `error`. Its events are those that are documented:
https://docs.claude.com/en/docs/build-with-claude/streaming
"""

import json
from dataclasses import dataclass

from tests.support.fake_gemini import Call, Status, Step
from tests.support.fake_openai import NAME, FakeOpenAI, Json, Reply

READ, WRITTEN = 7, 5


@dataclass
class AnthropicReply(Reply):
    blocks: int = 0
    is_open: bool = False

    def refused(self, refusal: Status) -> Json:
        error = {"type": refusal.status, "message": refusal.message or refusal.status}
        return {"type": "error", "error": error, "request_id": "req_1"}

    def answer(self, steps: tuple[str | Step, ...]) -> Json:
        content: list[Json] = []
        for step in steps:
            if isinstance(step, str):
                content.append({"type": "text", "text": step})
            elif isinstance(step, Call):
                content.append({**self.called(step), "input": step.args})
        usage = {"input_tokens": READ, "output_tokens": WRITTEN}
        return self.message() | {"content": content, "stop_reason": self.reason(), "usage": usage}

    def begin(self) -> None:
        self.send({"type": "message_start", "message": self.message()})
        self.send({"type": "ping"})

    def say(self, text: str) -> None:
        if not self.is_open:
            self.open({"type": "text", "text": ""})
        self.grow({"type": "text_delta", "text": text})

    def use(self, step: Call) -> None:
        self.close()
        self.open({**self.called(step), "input": {}})
        arguments = json.dumps(step.args)
        for part in ("", arguments[:5], arguments[5:]):
            self.grow({"type": "input_json_delta", "partial_json": part})
        self.close()

    def fail(self, failure: Status) -> None:
        self.send(self.refused(failure))
        self.handler.wfile.write(b"0\r\n\r\n")

    def end(self) -> None:
        self.close()
        delta = {"stop_reason": self.reason(), "stop_sequence": None}
        usage = {"output_tokens": WRITTEN}
        self.send({"type": "message_delta", "delta": delta, "usage": usage})
        self.send({"type": "message_stop"})

    def message(self) -> Json:
        about = {"id": "msg_1", "type": "message", "role": "assistant", "model": NAME}
        usage = {"input_tokens": READ, "output_tokens": 1}
        ends = {"stop_reason": None, "stop_sequence": None}
        return {**about, "content": [], **ends, "usage": usage}

    def called(self, step: Call) -> Json:
        self.calls += 1
        return {"type": "tool_use", "id": step.id or f"toolu_{self.calls}", "name": step.name}

    def reason(self) -> str:
        return "tool_use" if self.calls else "end_turn"

    def open(self, block: Json) -> None:
        self.send({"type": "content_block_start", "index": self.blocks, "content_block": block})
        self.is_open = True

    def grow(self, delta: Json) -> None:
        self.send({"type": "content_block_delta", "index": self.blocks, "delta": delta})

    def close(self) -> None:
        if self.is_open:
            self.send({"type": "content_block_stop", "index": self.blocks})
            self.blocks, self.is_open = self.blocks + 1, False

    def send(self, more: Json) -> None:
        self.raw(f"event: {more['type']}\ndata: {json.dumps(more)}\n\n".encode())


class FakeAnthropic(FakeOpenAI):
    reply = AnthropicReply

    def __init__(self) -> None:
        super().__init__()
        self.url = self.url.removesuffix("/v1")
