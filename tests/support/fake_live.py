"""A fake Gemini Live API on loopback, to hold talks with the real google-genai client.

    with FakeLive() as live:                # GOOGLE_GEMINI_BASE_URL=live.url,
                                            # SSL_CERT_FILE=live.certificate
        live.enqueue("Hel", "lo")           # what it says when somebody next has said something
        live.enqueue(Heard("Hi"), Spoken("Hello", b"..."))
        live.open_with(Close(1008, "no"))   # in place of the next setupComplete

Somebody has said something by typed words, at the end of their activity or sound, or where the test
has it `notice` that. Whoever does so while it speaks interrupts it. After a `Call` it waits for the
result. google-genai speaks TLS alone with a key, so that it has a certificate of its own.
"""

import asyncio
import base64
import ipaddress
import json
import re
import ssl
import struct
import tempfile
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Json = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """What it has understood of a voice."""

    text: str


@dataclass(frozen=True)
class Spoken:
    """A piece of its own voice, and the words of that."""

    text: str
    sound: bytes = b""


@dataclass(frozen=True)
class Call:
    """A call of a tool."""

    name: str
    args: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Send:
    """Any frame: a dict as JSON, or the very characters."""

    frame: Json | str


@dataclass(frozen=True)
class Close:
    """The connection is closed."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Paced:
    """A voice in pieces, each of which is sent when the one before has been heard; each begins with
    the time at which it is sent, in seconds of `time.monotonic`, as a number of eight bytes."""

    pieces: int
    # Seconds of a piece.
    lasts: float = 0.04


class Hang:
    """Silence from now on."""


READY = Send({"setupComplete": {"sessionId": "talk-1"}})
HANDLE = Send({"sessionResumptionUpdate": {"newHandle": "handle-1", "resumable": True}})
GO_AWAY = Send({"goAway": {"timeLeft": "5s"}})
USAGE = {"promptTokenCount": 7, "responseTokenCount": 5, "totalTokenCount": 12}

Step = str | Heard | Spoken | Paced | Call | Send | Close | Hang


class Connection:
    """One connection of a client's, and what it has sent."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.setup: Json = {}
        self.frames: list[Json] = []
        self.sound = b""
        self.is_closed = threading.Event()
        self.close_code: int | None = None

    @property
    def said(self) -> list[str]:
        """What was typed, and what was said before: the texts of its frames."""
        texts: list[str] = []
        for frame in self.frames:
            if text := frame.get("realtime_input", {}).get("text"):
                texts.append(text)
            for turn in frame.get("client_content", {}).get("turns", []):
                texts += [f"{turn['role']}: {part['text']}" for part in turn["parts"]]
        return texts

    @property
    def results(self) -> list[Json]:
        """The results of tools that have come."""
        answered = (frame.get("tool_response", {}) for frame in self.frames)
        return [
            response for answer in answered for response in answer.get("function_responses", [])
        ]


class FakeLive:
    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._talks: list[_Talk] = []
        self._change = threading.Condition()
        self._openings: deque[tuple[Step, ...]] = deque()
        self._replies: deque[tuple[Step, ...]] = deque()
        self._folder = tempfile.TemporaryDirectory()
        self.certificate = str(Path(self._folder.name) / "certificate.pem")
        self._tls = _tls(self.certificate)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def enqueue(self, *steps: Step) -> None:
        self._replies.append(steps)

    def open_with(self, *steps: Step) -> None:
        self._openings.append(steps)

    def arrived(self, number: int = 1) -> Connection:
        """The connection of this number, when it is there."""
        with self._change:
            assert self._change.wait_for(lambda: len(self.connections) >= number, timeout=20)
        return self.connections[number - 1]

    def notice(self) -> None:
        """Notice, as its own detection does, that somebody has said something in the newest
        connection."""
        asyncio.run_coroutine_threadsafe(self._talks[-1].answer(), self._loop).result(20)

    def until(self, is_so: Any) -> None:
        """Wait until this is so of what has been sent."""
        with self._change:
            assert self._change.wait_for(is_so, timeout=20)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._folder.cleanup()

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        async with serve(self._accept, "127.0.0.1", 0, ssl=self._tls) as server:
            self.url = f"https://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            self._ready.set()
            await self._closing.wait()

    async def _accept(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        connection = Connection()
        connection.headers = dict(socket.request.headers.raw_items())
        talk = _Talk(self, socket, connection)
        self._talks.append(talk)
        try:
            await talk.hold()
        except ConnectionClosed:
            pass
        finally:
            await talk.stop()
            connection.close_code = socket.close_code
            connection.is_closed.set()
            self._notify()

    def _notify(self) -> None:
        with self._change:
            self._change.notify_all()

    def take_opening(self) -> tuple[Step, ...]:
        return self._openings.popleft() if self._openings else (READY,)

    def take_reply(self) -> tuple[Step, ...]:
        return self._replies.popleft() if self._replies else ("I have nothing to say.",)


class _Talk:
    """What goes on in one connection."""

    def __init__(self, live: FakeLive, socket: ServerConnection, connection: Connection) -> None:
        self._live, self._socket, self._connection = live, socket, connection
        self._speaking: asyncio.Task[None] | None = None
        self._results = asyncio.Queue[Json]()

    async def hold(self) -> None:
        self._connection.setup = _snake(json.loads(await self._socket.recv()))["setup"]
        self._live.connections.append(self._connection)
        self._live._notify()
        for step in self._live.take_opening():
            await self._do(step)
        async for raw in self._socket:
            frame = _snake(json.loads(raw))
            self._connection.frames.append(frame)
            if await self._take(frame):
                await self.answer()
            self._live._notify()

    async def _take(self, frame: Json) -> bool:
        """Whether somebody has said something by this frame."""
        if "tool_response" in frame:
            self._results.put_nowait(frame["tool_response"])
            return False
        spoken = frame.get("realtime_input", {})
        blobs = [*spoken.get("media_chunks", []), *filter(None, [spoken.get("audio")])]
        for blob in blobs:
            self._connection.sound += base64.urlsafe_b64decode(blob["data"])
        if "activity_start" in spoken:
            await self._interrupt()
        typed = frame.get("client_content", {}).get("turn_complete") or spoken.get("text")
        # What was said before is answered by Gemini 3 only when something new is said.
        is_history = "client_content" in frame and len(self._connection.frames) == 1
        if is_history and "gemini-3" in self._connection.setup["model"]:
            return False
        return bool(typed or "activity_end" in spoken or spoken.get("audio_stream_end"))

    async def answer(self) -> None:
        await self._interrupt()
        self._speaking = asyncio.create_task(self._speak(self._live.take_reply()))

    async def _interrupt(self) -> None:
        if self._speaking and not self._speaking.done():
            await self.stop()
            await self._send({"serverContent": {"interrupted": True}})
            await self._send({"serverContent": {"turnComplete": True}})

    async def stop(self) -> None:
        if self._speaking:
            self._speaking.cancel()
            await asyncio.wait({self._speaking})

    async def _speak(self, steps: tuple[Step, ...]) -> None:
        with suppress(ConnectionClosed):
            for step in steps:
                await self._do(step)
            await self._send({"serverContent": {"generationComplete": True}})
            await self._send({"serverContent": {"turnComplete": True}, "usageMetadata": USAGE})

    async def _do(self, step: Step) -> None:
        match step:
            case str() | Heard() | Spoken():
                await self._send({"serverContent": _content(step)})
            case Paced(pieces, lasts):
                begun, rest = time.monotonic(), b"\0" * (int(lasts * 48_000) - 8)
                for number in range(pieces):
                    await asyncio.sleep(begun + number * lasts - time.monotonic())
                    sound = struct.pack("d", time.monotonic()) + rest
                    await self._send({"serverContent": _content(Spoken("", sound))})
            case Call(name, args):
                call = {"id": f"call-{name}", "name": name, "args": args}
                await self._send({"toolCall": {"functionCalls": [call]}})
                await self._results.get()
            case Send(frame):
                await self._socket.send(frame if isinstance(frame, str) else json.dumps(frame))
            case Close(code, reason):
                await self._socket.close(code, reason)
            case Hang():
                await self._socket.wait_closed()

    async def _send(self, frame: Json) -> None:
        # As bytes: so the real one does.
        await self._socket.send(json.dumps(frame).encode())


def _content(step: str | Heard | Spoken) -> Json:
    match step:
        case str(text):
            return {"modelTurn": {"parts": [{"text": text}]}}
        case Heard(text):
            return {"inputTranscription": {"text": text}}
        case Spoken(text, sound):
            data = base64.b64encode(sound).decode()
            part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}
            spoken: Json = {"outputTranscription": {"text": text}} if text else {}
            return spoken | ({"modelTurn": {"parts": [part]}} if sound else {})


def _snake(value: Any) -> Any:
    """The client mixes both ways to write a name; here they are all written in one."""
    if isinstance(value, dict):
        return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", k).lower(): _snake(v) for k, v in value.items()}
    return [_snake(item) for item in value] if isinstance(value, list) else value


def _tls(path: str) -> ssl.SSLContext:
    """A context with a certificate that is written there, for this machine and an hour."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake live")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    Path(path).write_bytes(public + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
