"""One answer, the same to every client: the model's very text, or why there is none."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from google.adk.sessions import Session
from openai import APIError, OpenAI

from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.chat.streams import collect
from agent.core.settings import Settings
from tests.support.app_process import ROOT
from tests.support.app_setup import GEMINI, launched, loaded
from tests.support.fake_gemini import FakeGemini, Status
from tests.support.gradio_api import ask, connected
from tests.support.hard_texts import HARD_TEXTS
from tests.support.mcp_client import call, tools_of

pytestmark = pytest.mark.slow

TOKEN = "the-token-of-this-host"

QUESTION = {"role": "user", "content": "Hi"}

TEXT = "\n\n".join(HARD_TEXTS.values())

BROKEN = (
    "The AI service has a problem at its end. Nothing is wrong with your message: try again in a "
    "moment."
)


def awkward(text: str, far: int = 600) -> Iterator[str]:
    """The text in pieces that end where it hurts, such as within a fence, a letter, a line's end:
    so far by single characters, the rest in half."""
    yield from text[:far]
    middle = (far + len(text)) // 2
    yield from (text[far:middle], text[middle:])


class Received(NamedTuple):
    """What a client has been sent."""

    answer: str
    # Why the answer is not whole.
    sentence: str = ""


class House(NamedTuple):
    """The agent with all its APIs."""

    url: str
    what: LoadedAgent
    # Where the same agent is found by the terminal.
    folder: Path


@pytest.fixture(scope="module")
def house(fake: FakeGemini, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("agents") / "helpful_agent"
    folder.mkdir()
    (folder / "agent.py").write_text(
        "from google.adk.agents import Agent\n"
        f"root_agent = Agent(name='helper', model='{GEMINI}', description='Helps.')\n"
    )
    what = loaded()
    with launched(what, api_token=TOKEN, request_retries=0) as url:
        yield House(url, what, folder)


def received(text: str) -> Received:
    """By a client that has but one place for an answer and for a sentence in brackets."""
    is_sentence = text.startswith("(") and text.endswith(")")
    return Received("", text[1:-1]) if is_sentence else Received(text)


# The clients


def by_gradio(house: House) -> Received:
    with connected(house.url) as client:
        return received(ask(client, "Hi"))


def by_post(house: House) -> Received:
    return read(httpx.post(f"{house.url}chat/stream", json={"query": "Hi"}, timeout=20))


def by_get(house: House) -> Received:
    return read(httpx.get(f"{house.url}chat/stream", params={"query": "Hi"}, timeout=20))


def read(stream: httpx.Response) -> Received:
    """Put the events together."""
    said = {"message": "", "failure": "", "session": ""}
    for block in stream.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line)
        if (data := fields.get("data", "[DONE]")) != "[DONE]":
            said[fields.get("event", "message")] += json.loads(data).get("text", "")
    return Received(said["message"], said["failure"])


def by_openai(house: House) -> Received:
    return told_to_openai(house, lambda answer: [answer.choices[0].message.content])


def by_openai_stream(house: House) -> Received:
    return told_to_openai(house, deltas, stream=True)


def deltas(stream: Any) -> Iterator[str]:
    for chunk in stream:
        yield chunk.choices[0].delta.content or ""


def told_to_openai(
    house: House, pieces: Callable[[Any], Iterable[str]], **options: bool
) -> Received:
    with OpenAI(base_url=f"{house.url}v1", api_key=TOKEN) as client:
        create: Any = client.chat.completions.create
        try:
            answer = create(model="helper", messages=[QUESTION], **options)
            return Received("".join(pieces(answer)))
        except APIError as error:
            body: Any = error.body
            return Received("", body["message"])


def by_mcp(house: House) -> Received:
    async def story() -> str:
        async with tools_of(house.url) as tools:
            return await call(tools, "Hi")

    return received(asyncio.run(story()))


def by_terminal(house: House) -> Received:
    ended = subprocess.run(
        [sys.executable, "-m", "agent", "--agent", str(house.folder), "Hi"],
        cwd=ROOT,
        env={**os.environ, "REQUEST_RETRIES": "0", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        timeout=100,
        check=False,
    )
    answer, sentence = ended.stdout.decode(), ended.stderr.decode()
    assert answer.endswith("\n") or not answer
    assert bool(sentence) == bool(ended.returncode)
    return Received(answer.removesuffix("\n"), received(sentence.removesuffix("\n")).sentence)


def by_library(house: House) -> Received:
    async def story() -> Received:
        talk = Conversation(house.what.runner, Settings(request_retries=0))
        answer = await collect(talk.ask("Hi"))
        assert "".join(answer.chunks) == answer.text
        return Received(answer.text, "".join(answer.notices))

    return asyncio.run(story())


CLIENTS = {
    "gradio_client": by_gradio,
    "POST": by_post,
    "GET": by_get,
    "openai": by_openai,
    "openai, streamed": by_openai_stream,
    "MCP": by_mcp,
    "terminal": by_terminal,
    "library": by_library,
}

# Those whose conversation can go on.
WITH_SESSIONS = {name: CLIENTS[name] for name in ("gradio_client", "POST", "GET", "library")}


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
def test_every_client_receives_the_same_answer(
    house: House, gemini: FakeGemini, client: Callable[[House], Received]
) -> None:
    gemini.enqueue(*awkward(TEXT))
    assert client(house) == Received(TEXT)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
def test_every_client_receives_the_same_sentence(
    house: House, gemini: FakeGemini, client: Callable[[House], Received]
) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    assert client(house) == Received("", BROKEN)
    assert len(gemini.requests) == 1


@pytest.mark.parametrize("client", WITH_SESSIONS.values(), ids=WITH_SESSIONS.keys())
def test_what_is_received_is_what_is_stored(
    house: House, gemini: FakeGemini, client: Callable[[House], Received]
) -> None:
    before = set(stored(house))
    gemini.enqueue(*awkward(TEXT))
    client(house)
    [new] = set(stored(house)) - before
    assert said_in(stored(house)[new]) == [("user", "Hi"), ("helper", TEXT)]


def stored(house: House) -> dict[str, Session]:
    """All that ADK keeps."""

    async def story() -> dict[str, Session]:
        service = house.what.runner.session_service
        listing = await service.list_sessions(app_name="test")
        keys = [(session.user_id, session.id) for session in listing.sessions]
        found = [
            await service.get_session(app_name="test", user_id=visitor, session_id=id)
            for visitor, id in keys
        ]
        return {session.id: session for session in found if session}

    return asyncio.run(story())


def said_in(session: Session) -> list[tuple[str, str]]:
    return [
        (event.author, "".join(part.text or "" for part in event.content.parts or []))
        for event in session.events
        if event.content
    ]
