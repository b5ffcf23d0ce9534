"""The agent as a tool of other agents: by the official MCP client, and by what others send."""

import asyncio
import json
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import httpx
import pytest
from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.types import (
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ImageContent,
    TextContent,
)

from agent import api
from agent.api.mcp_server import ARGUMENTS, FILES, FOR_CLIENTS, PATH, RESULT
from agent.api.sessions import UNKNOWN_SESSION
from agent.chat.agents import Agents
from agent.chat.loader import LoadedAgent
from agent.core.notices import Notice
from agent.core.settings import Settings
from tests.support import file_agents
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import (
    Call,
    Cut,
    FakeGemini,
    Finish,
    Hang,
    Image,
    Status,
    Think,
    Until,
)
from tests.support.gradio_api import ask, connected
from tests.support.hard_texts import HARD_TEXTS
from tests.support.mcp_client import call, session_of, text_of, tools_of
from tests.support.sse_client import PNG
from tests.support.stored_sessions import stored

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(fake: FakeGemini, what: LoadedAgent) -> Iterator[str]:
    # So long a grace that nothing here ends only because nobody listens any more.
    with launched(what, request_retries=0, leave_grace=600) as address:
        yield address


async def test_the_agent_is_one_tool(url: str, gemini: FakeGemini) -> None:
    async with tools_of(url) as tools:
        [tool] = (await tools.list_tools()).tools
    assert (tool.name, tool.description) == ("ask", "Helps.")
    properties = {**ARGUMENTS["properties"], "files": FILES}
    assert (tool.inputSchema, tool.outputSchema) == (
        {**ARGUMENTS, "properties": properties},
        RESULT,
    )


async def test_files_go_with_a_message_and_under_the_same_rules(
    url: str, gemini: FakeGemini
) -> None:
    gemini.enqueue("A square.")
    encoded = b64encode(file_agents.PNG).decode()
    async with tools_of(url) as tools:
        asked = {"message": "What is it?", "files": [{"name": "a.png", "data": encoded}]}
        assert text_of(await tools.call_tool("ask", asked)) == "A square."
        wrong = {**asked, "files": [{"data": b64encode(b"MZ\0\x90" * 9).decode()}]}
        refused = await tools.call_tool("ask", wrong)
    assert urlsafe_b64encode(file_agents.PNG).decode() in str(gemini.requests[0].body)
    assert refused.isError
    assert "This kind of file cannot be sent here." in text_of(refused)
    assert len(gemini.requests) == 1


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=HARD_TEXTS.keys())
async def test_the_very_text(url: str, gemini: FakeGemini, text: str) -> None:
    gemini.enqueue(text[:3], text[3:])
    async with tools_of(url) as tools:
        assert await call(tools, "Hi") == text


async def test_each_call_is_a_conversation_of_its_own(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("I do not know.")
    async with tools_of(url) as tools:
        assert await call(tools, "I am Ann") == "Hello, Ann."
        assert await call(tools, "Who am I?") == "I do not know."
    assert gemini.requests[1].conversation == [("user", "Who am I?")]


async def test_two_calls_at_once_do_not_mix(url: str, gemini: FakeGemini) -> None:
    both = threading.Event()
    gemini.reply_to("I am visitor 1", "Hello, ", Until(both), "1.")
    gemini.reply_to("I am visitor 2", "Hello, ", Until(both), "2.")
    async with tools_of(url) as tools:
        calls = [call(tools, f"I am visitor {i}") for i in (1, 2)]
        answering = asyncio.gather(*calls)
        await asyncio.to_thread(gemini.arrived, 2)
        both.set()
        assert list(await answering) == ["Hello, 1.", "Hello, 2."]


# Its words, as they come


async def test_the_words_are_progress(url: str, gemini: FakeGemini) -> None:
    gates = [threading.Event(), threading.Event()]
    gemini.enqueue(
        Think("Hm."), "Let me", Until(gates[0]), " see. ", Call("look", {"thing": "sky"})
    )
    gemini.enqueue("It is ", Until(gates[1]), "blue.")
    told: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))
        for gate, last in zip(gates, ("Let me", "It is "), strict=True):
            if message == last:
                gate.set()

    async with tools_of(url) as tools:
        result = await tools.call_tool("ask", {"message": "Sky?"}, progress_callback=note)
    assert [words for _, words in told if words] == ["Let me", " see. ", "It is ", "blue."]
    assert text_of(result) == "Let me see. It is blue."
    steps = [step for step, _ in told]
    assert steps == sorted(set(steps))


async def test_a_silent_model_is_waited_for_with_signs_of_life(
    url: str, gemini: FakeGemini
) -> None:
    rest = threading.Event()
    gemini.enqueue(Until(rest), "At last.")

    async def note(progress: float, total: float | None, message: str | None) -> None:
        if progress == 2:
            rest.set()

    async with tools_of(url) as tools:
        result = await tools.call_tool("ask", {"message": "Hi"}, progress_callback=note)
    assert text_of(result) == "At last."


async def test_pictures_come_too(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Look: ", Image("image/png", PNG))
    async with tools_of(url) as tools:
        result = await tools.call_tool("ask", {"message": "Draw"})
    text, picture, _ = result.content
    assert text == TextContent(type="text", text="Look: ")
    assert picture == ImageContent(type="image", data="iVBORw0KGgo=", mimeType="image/png")


# A conversation


async def test_a_conversation_goes_on_by_its_session(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Ann.")
    async with tools_of(url) as tools:
        first = await tools.call_tool("ask", {"message": "I am Ann"})
        session = session_of(first)
        assert first.structuredContent == {"answer": "Hello, Ann.", "session_id": session}
        assert session in str(first.content[-1])  # For a model, which may read nothing else.
    async with tools_of(url) as tools:
        arguments = {"message": "Who am I?", "session_id": session}
        second = await tools.call_tool("ask", arguments)
    assert (text_of(second), session_of(second)) == ("Ann.", session)
    assert gemini.requests[1].conversation == [
        ("user", "I am Ann"),
        ("model", "Hello, Ann."),
        ("user", "Who am I?"),
    ]


async def test_a_session_that_there_is_not_is_an_error(url: str, gemini: FakeGemini) -> None:
    async with tools_of(url) as tools:
        arguments = {"message": "Hi", "session_id": "nobody's"}
        result = await tools.call_tool("ask", arguments)
    assert (result.isError, text_of(result)) == (True, f"({UNKNOWN_SESSION})")
    assert gemini.requests == []


async def test_a_session_is_asked_one_thing_at_a_time(url: str, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("Yes.")
    gemini.enqueue("Wait", Until(rest), "ed.")
    async with tools_of(url) as tools:
        session = session_of(await tools.call_tool("ask", {"message": "Hi"}))
        arguments = {"message": "Wait", "session_id": session}
        first = asyncio.create_task(tools.call_tool("ask", arguments))
        await asyncio.to_thread(gemini.arrived, 2)
        second = await tools.call_tool("ask", arguments)
        assert (second.isError, text_of(second)) == (True, f"({Notice('busy').text})")
        rest.set()
        assert text_of(await first) == "Waited."


# Who cancels, or leaves


async def test_a_call_that_is_cancelled_stops_the_model(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Half", Hang())
    async with tools_of(url) as tools:
        calling = asyncio.create_task(tools.call_tool("ask", {"message": "Hi"}))
        asked = await asyncio.to_thread(gemini.arrived)
        # The first request of a client is 0, by which it has introduced itself.
        cancelled = CancelledNotification(params=CancelledNotificationParams(requestId=1))
        await tools.send_notification(ClientNotification(cancelled))
        assert await asyncio.to_thread(asked.left.wait, 20)
        assert (await calling).isError
        gemini.enqueue("Hello.")
        assert await call(tools, "Hi again") == "Hello."


async def test_nobody_cancels_the_call_of_another(url: str, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("Half", Until(rest), " and half")
    async with tools_of(url) as tools, tools_of(url) as other:
        calling = asyncio.create_task(tools.call_tool("ask", {"message": "Hi"}))
        await asyncio.to_thread(gemini.arrived)
        cancelled = CancelledNotification(params=CancelledNotificationParams(requestId=1))
        await other.send_notification(ClientNotification(cancelled))
        await other.send_ping()
        rest.set()
        assert text_of(await calling) == "Half and half"


async def test_a_client_that_leaves_stops_the_model(
    url: str, gemini: FakeGemini, what: LoadedAgent
) -> None:
    before = await asyncio.to_thread(stored, what)
    gemini.enqueue("Half", Hang())
    async with tools_of(url) as tools:
        calling = asyncio.create_task(tools.call_tool("ask", {"message": "Hi"}))
        asked = await asyncio.to_thread(gemini.arrived)
        assert await asyncio.to_thread(stored, what) == before + 1
        calling.cancel()
    assert await asyncio.to_thread(asked.left.wait, 20)
    # Nobody could go on with it, as nobody knows its id.
    for _ in range(200):
        if await asyncio.to_thread(stored, what) == before:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It is still stored.")


async def test_whoever_leaves_a_session_finds_it_again(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("One.")
    gemini.enqueue("Half", Hang())
    gemini.enqueue("Three.")
    async with tools_of(url) as tools:
        session = session_of(await tools.call_tool("ask", {"message": "one"}))
    async with tools_of(url) as tools:
        arguments = {"message": "two", "session_id": session}
        calling = asyncio.create_task(tools.call_tool("ask", arguments))
        asked = await asyncio.to_thread(gemini.arrived, 2)
        calling.cancel()
    assert await asyncio.to_thread(asked.left.wait, 20)
    async with tools_of(url) as tools:
        arguments = {"message": "three", "session_id": session}
        assert text_of(await tools.call_tool("ask", arguments)) == "Three."
    assert gemini.requests[2].conversation[:2] == [("user", "one"), ("model", "One.")]


# What fails


async def test_a_failing_turn_is_an_error_in_a_sentence(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    gemini.enqueue("Half an answer", Cut())
    gemini.enqueue("Hello.")
    async with tools_of(url) as tools:
        results = [await tools.call_tool("ask", {"message": "Hi"}) for _ in range(3)]
    assert [(result.isError, text_of(result)) for result in results] == [
        (
            True,
            "(The AI service has a problem at its end. Nothing is wrong with your message: try "
            "again in a moment.)",
        ),
        (
            True,
            "Half an answer\n\n(The connection to the AI service broke off. Try again for a full "
            "answer.)",
        ),
        (False, "Hello."),
    ]


async def test_an_answer_of_full_length_is_no_error(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Half an answer", Finish("MAX_TOKENS"))
    async with tools_of(url) as tools:
        result = await tools.call_tool("ask", {"message": "Hi"})
    assert (result.isError, text_of(result)[:14]) == (False, "Half an answer")


WRONG: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a number": {"message": 7},
    "null": {"message": None},
    "a list": {"message": ["Hi"]},
    "blank": {"message": " \n"},
    "NUL": {"message": "\0"},
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_call_is_told_in_a_sentence(
    url: str, gemini: FakeGemini, arguments: dict[str, Any]
) -> None:
    gemini.enqueue("Hello.")
    async with tools_of(url) as tools:
        result = await tools.call_tool("ask", arguments)
        assert result.isError
        sentence = text_of(result)
        assert sentence.startswith(("(Please type a message first.)", "Input validation error"))
        assert gemini.requests == []
        assert await call(tools, "Hi") == "Hello."


async def test_another_tool_is_an_error(url: str, gemini: FakeGemini) -> None:
    async with tools_of(url) as tools:
        result = await tools.call_tool("delete", {})
    assert (result.isError, text_of(result)) == (
        True,
        "(There is no tool 'delete' here, only 'ask'.)",
    )


# Other ways in


async def test_clients_of_the_older_transport_are_answered(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    gemini.enqueue("Half", Hang())
    async with (
        sse_client(f"{url}gradio_api/mcp/sse") as streams,
        ClientSession(*streams) as tools,
    ):
        await tools.initialize()
        assert await call(tools, "Hi") == "Hello."
        calling = asyncio.create_task(call(tools, "Hi"))
        asked = await asyncio.to_thread(gemini.arrived, 2)
        calling.cancel()
    assert await asyncio.to_thread(asked.left.wait, 20)


@pytest.mark.parametrize("path", ["", "http", "http/"])
def test_a_browser_is_told_what_this_is(url: str, path: str) -> None:
    response = httpx.get(f"{url}gradio_api/mcp/{path}")
    assert (response.status_code, response.text) == (405, FOR_CLIENTS)


def test_hugging_face_learns_the_tools_without_a_session(url: str) -> None:
    described = httpx.get(f"{url}gradio_api/mcp/schema").json()
    assert described == [{"name": "ask", "description": "Helps.", "inputSchema": ANY}]


def test_a_request_needs_no_session_of_before(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    asking = {"name": "ask", "arguments": {"message": "Hi"}}
    response = httpx.post(
        f"{url}gradio_api/mcp/",
        json={"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": asking},
        headers={
            "accept": "application/json, text/event-stream",
            "mcp-session-id": "one of a server that is no more",
        },
        timeout=20,
    )
    [data] = [line for line in response.text.splitlines() if line.startswith("data: ")]
    result = json.loads(data.removeprefix("data: "))["result"]
    assert (result["isError"], result["content"][0]["text"]) == (False, "Hello.")


@pytest.mark.parametrize(("installed", "is_used"), [("1.30.0", True), ("2.3.0", False)])
def test_an_sdk_of_another_api_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, installed: str, is_used: bool
) -> None:
    monkeypatch.setattr(api, "version", lambda _: installed)
    app = api.api_app(Agents(loaded(), Settings()))
    assert (PATH in [getattr(route, "path", "") for route in app.routes]) == is_used


async def test_on_a_space_the_tool_has_the_name_that_gradio_gave_it(
    monkeypatch: pytest.MonkeyPatch, gemini: FakeGemini
) -> None:
    monkeypatch.setenv("SPACE_ID", "ann/my-space")
    with launched(loaded()) as url:
        async with tools_of(url) as tools:
            assert [tool.name for tool in (await tools.list_tools()).tools] == ["my_space_ask"]


def test_gradios_client_still_has_its_conversation(gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Ann.")
    with launched(loaded()) as url, connected(url) as client:
        assert ask(client, "I am Ann") == "Hello, Ann."
        assert ask(client, "Who am I?") == "Ann."
    assert gemini.requests[1].conversation == [
        ("user", "I am Ann"),
        ("model", "Hello, Ann."),
        ("user", "Who am I?"),
    ]
