"""A server on loopback that speaks OpenAI's protocol, to drive real clients of it.

    with FakeOpenAI() as server:                # OPENAI_API_BASE=server.url
        server.enqueue("Hel", "lo", Close())    # the next request's reply, step by step

The steps are those of fake_gemini: texts, `Call`, `Until`, `Hang`, `Close` and `Status`.
"""

import json
import select
import socket
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

from tests.support.fake_gemini import Call, Close, Hang, Status, Step, Until

Json = dict[str, Any]
NAME = "tiny-1"
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


@dataclass(eq=False)
class Request:
    path: str
    headers: dict[str, str]
    body: Json
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> str:
        anthropics = self.headers.get("x-api-key", "")
        return anthropics or self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def streaming(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def conversation(self) -> list[tuple[str, Any]]:
        said = [(message["role"], message.get("content")) for message in self.body["messages"]]
        return [line for line in said if line[0] != "system"]


@dataclass
class Reply:
    handler: BaseHTTPRequestHandler
    request: Request
    calls: int = 0

    def play(self, steps: tuple[str | Step, ...]) -> None:
        if isinstance(refusal := steps[0], Status):
            self.whole(refusal.code, self.refused(refusal), refusal.retry_after)
        elif not self.request.streaming:
            self.whole(200, self.answer(steps))
        else:
            self.stream(steps)

    def refused(self, refusal: Status) -> Json:
        return {"error": {"message": refusal.message or refusal.status, "code": refusal.status}}

    def whole(self, code: int, body: Json, retry_after: int | None = None) -> None:
        data = json.dumps(body).encode()
        self.handler.send_response(code)
        self.handler.send_header("content-type", "application/json")
        self.handler.send_header("content-length", str(len(data)))
        if retry_after is not None:
            self.handler.send_header("retry-after", str(retry_after))
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def answer(self, steps: tuple[str | Step, ...]) -> Json:
        text = "".join(step for step in steps if isinstance(step, str))
        calls = [self.call(step) for step in steps if isinstance(step, Call)]
        message = {"role": "assistant", "content": text or None, "tool_calls": calls or None}
        reason = "tool_calls" if calls else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {"id": "1", "object": "chat.completion", "created": 1, "model": NAME} | {
            "choices": [choice],
            "usage": USAGE,
        }

    def stream(self, steps: tuple[str | Step, ...]) -> None:
        self.handler.send_response(200)
        self.handler.send_header("content-type", "text/event-stream")
        self.handler.send_header("transfer-encoding", "chunked")
        self.handler.end_headers()
        self.begin()
        for step in steps:
            match step:
                case str():
                    self.say(step)
                case Call():
                    self.use(step)
                case Until(event=event):
                    self.wait(event)
                case Hang():
                    self.wait(threading.Event())
                case Close():
                    self.handler.connection.shutdown(socket.SHUT_RDWR)
                    return
                case Status():
                    self.fail(step)
                    return
        self.end()
        self.handler.wfile.write(b"0\r\n\r\n")

    def begin(self) -> None: ...

    def say(self, text: str) -> None:
        self.chunk({"role": "assistant", "content": text})

    def use(self, step: Call) -> None:
        self.chunk({"tool_calls": [{"index": self.calls, **self.call(step)}]})

    def fail(self, failure: Status) -> None: ...

    def end(self) -> None:
        self.chunk({}, finish_reason="tool_calls" if self.calls else "stop")
        self.send({"choices": [], "usage": USAGE})
        self.raw(b"data: [DONE]\n\n")

    def call(self, step: Call) -> Json:
        self.calls += 1
        function = {"name": step.name, "arguments": json.dumps(step.args)}
        return {"id": step.id or f"call-{self.calls}", "type": "function", "function": function}

    def chunk(self, delta: Json, finish_reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        self.send({"choices": [choice]})

    def send(self, more: Json) -> None:
        head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": NAME}
        self.raw(f"data: {json.dumps(head | more)}\n\n".encode())

    def raw(self, data: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def wait(self, event: threading.Event) -> None:
        """Until the event, unless the client leaves before."""
        while not event.wait(0.02):
            readable, _, _ = select.select([self.handler.connection], [], [], 0)
            if readable and not self.handler.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError


class FakeOpenAI:
    # What plays the steps of each reply.
    reply: ClassVar[type[Reply]] = Reply

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._queue: deque[tuple[str | Step, ...]] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def enqueue(self, *steps: str | Step) -> None:
        self._queue.append(steps)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body)
                fake.requests.append(request)
                steps = fake._queue.popleft() if fake._queue else (Status(500, "no reply"),)
                try:
                    fake.reply(self, request).play(steps)
                except ConnectionError:
                    request.left.set()
                self.close_connection = True

            def log_message(self, *_: object) -> None: ...

        return Handler


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"
