"""The agent as a tool of other agents: by the official MCP client, over streamable HTTP."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agent.chat.loader import LoadedAgent
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import Cut, FakeGemini, Status, Until
from tests.support.gradio_api import ask, connected
from tests.support.hard_texts import HARD_TEXTS
from tests.support.mcp_client import call, text_of, tools_of
from tests.support.stored_sessions import is_emptied, stored

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def what() -> LoadedAgent:
    return loaded()


@pytest.fixture(scope="module")
def url(fake: FakeGemini, what: LoadedAgent) -> Iterator[str]:
    with launched(what, for_mcp=True, request_retries=0) as address:
        yield address


async def test_the_agent_is_one_tool(url: str, gemini: FakeGemini) -> None:
    async with tools_of(url) as tools:
        [tool] = (await tools.list_tools()).tools
    assert (tool.name, tool.description) == ("ask", "Helps.")
    assert tool.inputSchema == {
        "type": "object",
        "properties": {"message": {"type": "string", "description": "What to ask it."}},
        "required": ["message"],
    }


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


async def test_what_was_stored_for_a_call_is_forgotten(
    url: str, gemini: FakeGemini, what: LoadedAgent
) -> None:
    assert await asyncio.to_thread(is_emptied, what)
    rest = threading.Event()
    gemini.enqueue("Hel", Until(rest), "lo.")
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    async with tools_of(url) as tools:
        answering = asyncio.create_task(call(tools, "Hi"))
        await asyncio.to_thread(gemini.arrived)
        assert await asyncio.to_thread(stored, what) == 1
        rest.set()
        await answering
        await call(tools, "Hi")
    assert await asyncio.to_thread(is_emptied, what)


async def test_a_failing_turn_is_told_in_a_sentence(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    gemini.enqueue("Half an answer", Cut())
    gemini.enqueue("Hello.")
    async with tools_of(url) as tools:
        assert await call(tools, "Hi") == (
            "(The AI service has a problem at its end. Nothing is wrong with your message: try "
            "again in a moment.)"
        )
        assert await call(tools, "Hi") == (
            "Half an answer\n\n(The connection to the AI service broke off. Try again for a "
            "full answer.)"
        )
        assert await call(tools, "Hi") == "Hello."


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
        sentence = text_of(await tools.call_tool("ask", arguments))
        assert sentence.startswith(("(Please type a message first.)", "Input validation error"))
        assert gemini.requests == []
        assert await call(tools, "Hi") == "Hello."


def test_gradios_client_still_has_its_conversation(gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Ann.")
    with launched(loaded(), for_mcp=True) as url, connected(url) as client:
        assert ask(client, "I am Ann") == "Hello, Ann."
        assert ask(client, "Who am I?") == "Ann."
    assert gemini.requests[1].conversation == [
        ("user", "I am Ann"),
        ("model", "Hello, Ann."),
        ("user", "Who am I?"),
    ]
