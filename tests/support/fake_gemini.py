"""A fake Gemini API on loopback, to drive the real google-genai client without a network.

    with FakeGemini() as gemini:               # GOOGLE_GEMINI_BASE_URL=gemini.url
        gemini.enqueue("Hel", "lo", Cut())     # the next request's reply, step by step
        gemini.reply_to("visitor 7", "Hi, 7")  # whenever the last user text contains this
        gemini.always("ok")                    # else; without it HTTP 500, see .unexpected

`gemini.requests` holds what the client sent, `gemini.arrived(2)` waits for the second one, and
`request.left` is set when the client hung up early.

As Gemini 3 does, it signs the first function call of each reply, and refuses a request in which one
of the current turn comes back otherwise; `FakeGemini(signs=False)` is an older one.
"""

import asyncio
import json
import socket
import struct
import threading
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import responses
from itertools import groupby
from typing import Any, Self, dataclass_transform

Json = dict[str, Any]
USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}
RPC = "type.googleapis.com/google.rpc"


@dataclass_transform(frozen_default=True)
class Step:  # each of its kinds is a frozen dataclass
    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)


# fmt: off
class Think(Step):
    text: str
class Call(Step):
    name: str
    args: Json
    id: str | None = None
class Signed(Step):
    text: str  # with a signature; may be empty, as at the end of a stream of Gemini 3's
class Image(Step):
    mime: str
    data: bytes
class Made(Step):
    make: Callable[[], str]  # its text, in the moment in which it is sent
class Pause(Step):
    seconds: float
class Until(Step):
    event: threading.Event

class Ending(Step): ...     # nothing follows it; a script without one has Finish("STOP")
class Nothing(Ending): ...  # the body is over, without a finishReason
class Hang(Ending): ...     # silence, until the client leaves or the server closes
class Cut(Ending): ...      # the connection is reset (RST)
class Close(Ending): ...    # the connection is closed (FIN) in the middle of the body
class Garbage(Ending):
    text: str = "{not json"
class Blocked(Ending):
    reason: str = "PROHIBITED_CONTENT"
class Finish(Ending):
    reason: str = "STOP"
class Silent(Finish): ...   # by itself: STOP, with no parts
class Grounded(Ending):
    metadata: Json  # a candidate's groundingMetadata, with STOP
class PagesRead(Ending):
    pages: Json  # by their addresses, how that ended: a candidate's urlContextMetadata, with STOP

class Whole(Ending): ...    # all of a reply: only Pause and Until can come before it
class Drop(Whole): ...      # the connection is closed before any header
class Html(Whole):
    code: int
class Failure(Ending):
    code: int
    status: str
    message: str = ""
    retry_after: int | None = None
    reason: str | None = None
class Status(Failure, Whole): ...
class ErrorInStream(Failure): ...  # (where nothing is streamed, the same as Status)
# fmt: on

Script = tuple[str | Step, ...]


@dataclass(eq=False)
class Request:
    path: str
    headers: dict[str, str]
    body: Json
    model: str
    streaming: bool
    method: str = "POST"
    arrived_at: float = field(default_factory=time.monotonic)
    left: threading.Event = field(default_factory=threading.Event)
    left_at: float | None = None
    signed: list[str] = field(default_factory=list)  # the signatures given in the reply
    # when each text of the reply was sent, the text, and whether it is a thought
    sent: list[tuple[float, str, bool]] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.headers.get("x-goog-api-key", "")

    @property
    def conversation(self) -> list[tuple[str, str]]:
        return [(c.get("role"), _text(c.get("parts", []))) for c in self.body.get("contents", [])]

    @property
    def last_user_text(self) -> str:
        """After a tool call this is the tool's "response NAME {...}"."""
        return next((text for role, text in reversed(self.conversation) if role == "user"), "")


def _text(parts: list[Json]) -> str:
    spoken = [part for part in parts if not part.get("thought")]
    runs = groupby(spoken, key=lambda part: "text" in part)
    return "\n".join(("" if texts else "\n").join(map(_shown, run)) for texts, run in runs)


def _shown(part: Json) -> str:
    match part:
        case {"functionCall": call}:
            return f"call {call['name']} {json.dumps(call.get('args', {}), sort_keys=True)}"
        case {"functionResponse": answer}:
            return f"response {answer['name']} {json.dumps(answer.get('response'), sort_keys=True)}"
    return str(part.get("text", ""))


class Signatures:
    """Those that were given, and those that do not come back.

    https://ai.google.dev/gemini-api/docs/thought-signatures
    """

    SKIP = b"skip_thought_signature_validator"  # for calls that Gemini has not made

    def __init__(self) -> None:
        self._calls: dict[bytes, str] = {}

    def sign(self, part: Json) -> Json:
        """The part with a signature, whose base64 is not the same in both alphabets."""
        signature = b"\xfb\xef\xff%d" % len(self._calls)
        self._calls[signature] = _shown(part)
        return {**part, "thoughtSignature": b64encode(signature).decode()}

    def forget(self) -> None:
        self._calls.clear()

    def missing(self, contents: list[Json]) -> Json | None:
        """The first call of the current turn that was signed and has not that signature now."""
        for content in _current_turn(contents):
            calls: list[Json] = [
                part for part in content.get("parts", ()) if "functionCall" in part
            ]
            if calls and not self._is_well(calls[0]):
                return calls[0]
        return None

    def _is_well(self, call: Json) -> bool:
        given = call.get("thoughtSignature", "")
        signature = b64decode(given.replace("-", "+").replace("_", "/"))
        if self.SKIP in (signature, given.encode()) or _shown(call) not in self._calls.values():
            return True
        return self._calls.get(signature) == _shown(call)


def _current_turn(contents: list[Json]) -> list[Json]:
    """What comes after the last content in which the visitor says something."""
    said = [
        number
        for number, content in enumerate(contents)
        if content.get("role") == "user"
        and any("functionResponse" not in part for part in content.get("parts", ()))
    ]
    return contents[said[-1] + 1 :] if said else contents


class FakeGemini:
    def __init__(self, signs: bool = True) -> None:
        self.signs = signs
        self._signatures = Signatures()
        self.requests: list[Request] = []
        self.unexpected: list[Request] = []
        self.looked_up: list[Request] = []  # those that only ask whether a model is there
        self.look_up_reply: Failure | None = None  # without one it is there
        self._arrival = threading.Condition()
        self._queue: deque[Script] = deque()
        self._by_text: dict[str, Script] = {}
        self._always: Script | None = None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def enqueue(self, *steps: str | Step) -> None:
        self._queue.append(_checked(steps))

    def always(self, *steps: str | Step) -> None:
        self._always = _checked(steps)

    def reply_to(self, needle: str, *steps: str | Step) -> None:
        self._by_text[needle] = _checked(steps)

    def arrived(self, number: int = 1) -> Request:
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self.requests) >= number, timeout=20)
        return self.requests[number - 1]

    def reset(self) -> None:
        """Forget what was asked, what was signed, and what was still to be said."""
        self.requests.clear()
        self._signatures.forget()
        self._queue.clear()

    def start(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def close(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()
        self._socket.close()

    __enter__, __exit__ = start, close

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, sock=self._socket, backlog=1024)
        self._ready.set()
        await self._closing.wait()
        server.close()  # asyncio.run then cancels the replies that are still under way

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            request = await _received(reader)
            if request.method == "GET":
                self.looked_up.append(request)
                _Reply(writer, request, self._signatures, False).about(self.look_up_reply)
                await writer.drain()
                writer.close()
                return
            with self._arrival:
                self.requests.append(request)
                self._arrival.notify_all()
            reply = _Reply(writer, request, self._signatures, self.signs)
            script = self._refusal_of(request) or self._script_for(request)
            playing = asyncio.create_task(reply.play(script))
            if not await _played_to_its_end(playing, reader):
                request.left_at = time.monotonic()
                request.left.set()
        writer.close()

    def _refusal_of(self, request: Request) -> Script:
        call = self._signatures.missing(request.body.get("contents", []))
        if call is None:
            return ()
        name = call["functionCall"]["name"]
        message = f"Function call is missing a thought_signature: function call `{name}`"
        return (Status(400, "INVALID_ARGUMENT", message),)

    def _script_for(self, request: Request) -> Script:
        if needles := [text for text in list(self._by_text) if text in request.last_user_text]:
            return self._by_text[max(needles, key=len)]  # "visitor 12" contains "visitor 1"
        if self._queue or self._always:
            return self._queue.popleft() if self._queue else self._always or ()
        self.unexpected.append(request)
        return (Status(500, "INTERNAL", f"fake_gemini has no reply to {request.path}"),)


def _checked(steps: Script) -> Script:
    *before, last = steps if any(isinstance(s, Ending) for s in steps) else (*steps, Finish())
    allowed = (Pause, Until) if isinstance(last, Whole) else (str, Step)
    if any(isinstance(step, Ending) or not isinstance(step, allowed) for step in before):
        raise ValueError(f"cannot be played in this order: {steps}")
    return (*before, last)


async def _received(reader: asyncio.StreamReader) -> Request:
    verb, path, rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ", 2)
    lines = [line.partition(":") for line in rest.split("\r\n")[1:-2]]
    headers = {name.lower(): value.strip() for name, _, value in lines}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    model, _, method = path.partition("models/")[2].partition(":")
    return Request(
        path, headers, json.loads(body or "{}"), model, method.startswith("stream"), verb
    )


async def _played_to_its_end(playing: asyncio.Task[None], reader: asyncio.StreamReader) -> bool:
    leaving: asyncio.Future[Any] = asyncio.gather(reader.read(), return_exceptions=True)
    await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    with suppress(ConnectionError):
        return not playing.cancel() and playing.result() is None
    return False


@dataclass
class _Reply:
    writer: asyncio.StreamWriter
    request: Request
    signatures: Signatures
    signs: bool  # the next function call
    held: list[Json] = field(default_factory=list)

    async def play(self, script: Script) -> None:
        if not self.is_whole(script[-1]):
            mime = "text/event-stream" if self.request.streaming else "application/json"
            self.head(200, mime, "Transfer-Encoding: chunked")
        for step in script:
            await self.writer.drain()  # before, as a client that has the last byte may leave
            await self.perform(step)

    def is_whole(self, step: str | Step) -> bool:
        return isinstance(step, Whole) or (isinstance(step, Failure) and not self.request.streaming)

    async def perform(self, step: str | Step) -> None:
        match step:
            case Pause() | Until() | Hang():
                await _wait(step)
            case Cut():
                raw, linger = self.writer.get_extra_info("socket"), struct.pack("ii", 1, 0)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.writer.transport.abort()
            case Close() | Drop():
                pass  # as the connection is closed after the last step
            case Html(code):
                self.whole(code, "text/html", f"<html><h1>Error {code}</h1></html>")
            case Failure(code) if self.is_whole(step):
                self.whole(code, "application/json", _error(step))
            case Ending():
                self.send(_last_line(step, self.held, self.request.model))
                self.writer.write(b"0\r\n\r\n")
            case _ if self.request.streaming:
                self.send(_candidate([self.part(step)], self.request.model))
            case _:
                self.held.append(self.part(step))

    def part(self, step: str | Step) -> Json:
        part = _part(step)
        if part.get("text"):
            said = time.monotonic(), part["text"], bool(part.get("thought"))
            self.request.sent.append(said)
        if not isinstance(step, Signed) and not (isinstance(step, Call) and self.signs):
            return part
        self.signs = self.signs and not isinstance(step, Call)
        part = self.signatures.sign(part)
        self.request.signed.append(part["thoughtSignature"])
        return part

    def send(self, line: str) -> None:
        data = (f"data: {line}\r\n\r\n" if line and self.request.streaming else line).encode()
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data) if data else b"")

    def about(self, failure: Failure | None) -> None:
        """What is said of the model itself."""
        name = {"name": f"models/{self.request.model}"}
        text = _error(failure) if failure else json.dumps(name)
        self.whole(failure.code if failure else 200, "application/json", text)

    def whole(self, code: int, mime: str, text: str) -> None:
        self.head(code, mime, f"Content-Length: {len(text.encode())}")
        self.writer.write(text.encode())

    def head(self, code: int, mime: str, length: str) -> None:
        lines = f"HTTP/1.1 {code} {responses.get(code, '')}", f"Content-Type: {mime}", length
        self.writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())


async def _wait(step: Pause | Until | Hang) -> None:
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
        return
    while not (isinstance(step, Until) and step.event.is_set()):  # noqa: ASYNC110 (a thread's)
        await asyncio.sleep(0.005)


def _last_line(step: Ending, held: list[Json], model: str) -> str:
    match step:
        case Finish(reason):
            return _candidate(held, model, finishReason=reason)
        case Grounded(metadata):
            return _candidate(held, model, finishReason="STOP", groundingMetadata=metadata)
        case PagesRead(pages):
            read = [
                {"retrievedUrl": url, "urlRetrievalStatus": f"URL_RETRIEVAL_STATUS_{status}"}
                for url, status in pages.items()
            ]
            context: Json = {"urlMetadata": read}
            return _candidate(held, model, finishReason="STOP", urlContextMetadata=context)
        case Blocked(reason):
            return json.dumps({"promptFeedback": {"blockReason": reason}, "usageMetadata": USAGE})
        case Failure():
            return _error(step)
    return step.text if isinstance(step, Garbage) else ""


def _candidate(parts: list[Json], model: str, **more: str | Json) -> str:
    content = {"role": "model"} | ({"parts": parts} if parts else {})
    candidate = {"content": content, "index": 0} | more
    about = {"usageMetadata": USAGE, "modelVersion": model}
    return json.dumps({"candidates": [candidate], **about})


def _part(step: str | Step) -> Json:
    match step:
        case Think(text):
            return {"text": text, "thought": True}
        case Signed(text):
            return {"text": text}
        case Made(make):
            return {"text": make()}
        case Image(mime, data):
            return {"inlineData": {"mimeType": mime, "data": b64encode(data).decode()}}
        case Call(name, args, id):
            return {"functionCall": {"name": name, "args": args} | ({"id": id} if id else {})}
    return {"text": step}


def _error(step: Failure) -> str:
    error = {"code": step.code, "message": step.message, "status": step.status}
    wait = {"@type": f"{RPC}.RetryInfo", "retryDelay": f"{step.retry_after}s"}
    why = {"@type": f"{RPC}.ErrorInfo", "reason": step.reason, "domain": "googleapis.com"}
    details = [wait] * (step.retry_after is not None) + [why] * bool(step.reason)
    return json.dumps({"error": error | ({"details": details} if details else {})})
