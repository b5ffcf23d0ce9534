"""An agent that waits for a person, as a tool of MCP clients: words, and no error."""

from collections.abc import Iterator

import pytest

from agent.core.notices import SENTENCES
from tests.support.app_setup import GEMINI, launched, loaded_root
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.mcp_client import session_of, text_of, tools_of
from tests.support.waiting_agents import DONE, SECRET, TOOLS, agent

pytestmark = pytest.mark.slow

DECLINES = SENTENCES["next_declines"]


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded_root(agent(GEMINI, *TOOLS)), request_retries=0) as address:
        yield address


async def test_what_is_asked_is_the_answer_and_the_next_message_declines_it(
    url: str, gemini: FakeGemini
) -> None:
    DONE.clear()
    gemini.enqueue("I shall pay.", Call("pay", {"amount": 1, "to": "Ann"}, "call-1"))
    gemini.enqueue("Hello.")
    async with tools_of(url) as tools:
        asked = await tools.call_tool("ask", {"message": "Pay Ann"})
        words = (
            'I shall pay.\n\n(The agent asks for approval to use “pay” (amount: 1, to: "Ann").)'
            f"\n\n({DECLINES})"
        )
        assert (asked.isError, text_of(asked)) == (False, words)
        assert (asked.structuredContent or {})["answer"] == words
        arguments = {"message": "Hi", "session_id": session_of(asked)}
        after = await tools.call_tool("ask", arguments)
    assert (after.isError, text_of(after), DONE) == (False, "Hello.", [])


async def test_of_a_sign_in_no_client_is_told_more_than_that_there_is_one(
    url: str, gemini: FakeGemini
) -> None:
    gemini.enqueue(Call("next_meeting", {}, "call-1"))
    async with tools_of(url) as tools:
        asked = await tools.call_tool("ask", {"message": "When?"})
    assert (asked.isError, SECRET in repr(asked)) == (False, False)
    assert text_of(asked) == f"({SENTENCES['asks_sign_in']})\n\n({DECLINES})"


async def test_a_ticket_is_no_error(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("ask_boss", {"amount": 5}, "call-1"))
    gemini.enqueue("I have asked.")
    async with tools_of(url) as tools:
        asked = await tools.call_tool("ask", {"message": "Ask"})
    assert (asked.isError, text_of(asked)) == (False, "I have asked.")
