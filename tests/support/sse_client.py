"""A client of `/chat/stream`: its events, and what a model does that makes one of each kind."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias
from unittest.mock import ANY

import httpx

from agent.core.notices import Notice
from tests.support.fake_gemini import Call, FakeGemini, Image, Think, Until

Said: TypeAlias = list[tuple[str, Any]]

DONE = ("message", "[DONE]")
CANNOT_GO_ON = [("failure", {"text": Notice("answer_gone").english}), DONE]


@dataclass(frozen=True)
class Event:
    """One event, as a browser's EventSource gives it."""

    name: str
    data: str
    id: str

    @property
    def session(self) -> str:
        """The id in the first event of a stream."""
        return str(json.loads(self.data)["session_id"])


@contextmanager
def asked(
    url: str, query: str = "Hi", session: str | None = None, last: str | None = None
) -> Iterator[Iterator[Event]]:
    """The events of an answer, as they come; whoever goes out before the end has left."""
    with httpx.stream("POST", **request(url, query, session, last)) as response:
        assert response.status_code == 200, response.read()
        yield events(response)


def ask(
    url: str, query: str = "Hi", session: str | None = None, last: str | None = None
) -> list[Event]:
    """The events of an answer, to its end."""
    with asked(url, query, session, last) as stream:
        return list(stream)


def request(url: str, query: str, session: str | None, last: str | None) -> dict[str, Any]:
    return {
        "url": f"{url}chat/stream",
        "json": {"query": query} | ({"session_id": session} if session else {}),
        "headers": {} if last is None else {"Last-Event-ID": last},
        "timeout": 20,
    }


def answer_pauses(url: str, session: str, replies: Any, last: str | None = None) -> httpx.Response:
    """What comes of replies to what the agent asks in a session."""
    return httpx.post(
        f"{url}chat/stream",
        # As httpx writes it itself there could be no half of a character in it.
        content=json.dumps({"session_id": session, "replies": replies}),
        headers={"Content-Type": "application/json"}
        | ({} if last is None else {"Last-Event-ID": last}),
        timeout=20,
    )


def ask_once_free(url: str, query: str, session: str) -> list[Event]:
    """Ask as soon as the server has noticed that whoever asked before has left."""
    for _ in range(2_000):
        with httpx.stream("POST", **request(url, query, session, None)) as response:
            if response.status_code != 409:
                return list(events(response))
    raise AssertionError("It never noticed.")


def stop(url: str, session: str) -> httpx.Response:
    return httpx.post(f"{url}chat/stop", json={"session_id": session}, timeout=20)


def events(response: httpx.Response) -> Iterator[Event]:
    """The stream's events, without its comments."""
    for block in blocks(response):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in fields:
            yield Event(fields.get("event", "message"), fields["data"], fields.get("id", ""))


def blocks(response: httpx.Response) -> Iterator[str]:
    """The stream's events and comments."""
    rest = b""
    for chunk in response.iter_bytes():
        rest += chunk
        while block := re.match(rb"(:.*)\n|((?s:.+?))\n\n", rest):
            rest = rest[block.end() :]
            yield (block[1] or block[2]).decode()
    assert not rest


def said(stream: list[Event]) -> Said:
    """The events without their ids."""
    return [(e.name, e.data if e.data == "[DONE]" else json.loads(e.data)) for e in stream]


def joined(stream: Said) -> Said:
    """The same with neighbouring words in one piece: how they were cut does not matter."""
    folded: Said = []
    for (name, is_text), group in groupby(stream, key=lambda e: (e[0], list(e[1]) == ["text"])):
        pieces = [data for _, data in group]
        text = [{"text": "".join(piece["text"] for piece in pieces)}] if is_text else pieces
        folded += [(name, data) for data in text]
    return folded


def answer(stream: list[Event]) -> str:
    """All words of the answer."""
    words = [data["text"] for name, data in said(stream) if name == "message" and data != DONE[1]]
    return "".join(words)


def read_to(stream: Iterator[Event], what: str) -> Event:
    """Read on to the event that holds this."""
    return next(event for event in stream if what in event.data)


def stepped(stream: Iterator[Event], gates: list[threading.Event]) -> Iterator[Event]:
    """The same stream; after each of its words or thoughts the model is let go one step on."""
    for event in stream:
        yield event
        if gates and event.name in ("message", "thought"):
            gates.pop(0).set()


# A turn with all that there is


PNG = b"\x89PNG\r\n\x1a\n"


def enqueue_everything(gemini: FakeGemini) -> list[threading.Event]:
    """A turn with all that a model can do; the gates between its steps."""
    gates = [threading.Event() for _ in range(4)]
    first, second, third, fourth = map(Until, gates)
    look = Call("sky", {"city": "Oslo"}, "call-1")
    gemini.enqueue(Think("Hm."), first, "Let me", second, " see. ", third, look)
    gemini.enqueue("It is ", fourth, "blue.", Image("image/png", PNG))
    return gates


EVERYTHING: Said = [
    ("session", {"session_id": ANY}),
    ("thought", {"text": "Hm."}),
    ("message", {"text": "Let me"}),
    ("message", {"text": " see. "}),
    ("tool_call", {"id": "call-1", "name": "sky", "args": {"city": "Oslo"}}),
    (
        "tool_result",
        {"id": "call-1", "name": "sky", "result": {"colour": "blue over Oslo"}, "seconds": ANY},
    ),
    ("message", {"text": "It is "}),
    ("message", {"text": "blue."}),
    ("file", {"mime_type": "image/png", "data": "iVBORw0KGgo="}),
    ("message", "[DONE]"),
]
