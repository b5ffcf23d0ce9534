"""An agent that waits for a person, by the OpenAI-compatible API: words, and no failure."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.adk.tools import LongRunningFunctionTool
from openai import OpenAI

from agent.core.notices import SENTENCES
from tests.support.app_setup import GEMINI, launched, loaded, loaded_root
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.openai_client import TOKEN, ask, joined, shape, text_and_reason
from tests.support.waiting_agents import DONE, GEMINI_PAYS, SECRET, TOOLS, agent, reviewer

pytestmark = pytest.mark.slow

NOT_HERE = SENTENCES["nobody_answers"]


ASKS_TO_PAY = f'(The agent asks for approval to use “pay” (amount: 1, to: "Ann"). {NOT_HERE})'


@pytest.fixture(scope="module")
def waiting(fake: FakeGemini) -> Iterator[OpenAI]:
    what = loaded_root(agent(GEMINI, *TOOLS))
    with (
        launched(what, api_token=TOKEN, request_retries=0) as url,
        OpenAI(base_url=f"{url}v1", api_key=TOKEN) as client,
    ):
        yield client


WAITS: dict[str, tuple[tuple[Any, ...], str]] = {
    "an approval": ((GEMINI_PAYS,), ASKS_TO_PAY),
    "an approval after words": (("I shall pay.", GEMINI_PAYS), f"I shall pay.\n\n{ASKS_TO_PAY}"),
    "a choice": (
        (Call("get_user_choice", {"options": ["red", "blue"]}, "call-1"),),
        f"(The agent asks to choose one of these: red, blue. {NOT_HERE})",
    ),
    "a sign-in": (
        (Call("next_meeting", {}, "call-1"),),
        f"({SENTENCES['asks_sign_in']} {NOT_HERE})",
    ),
}


@pytest.mark.parametrize(("steps", "words"), WAITS.values(), ids=WAITS.keys())
def test_what_is_asked_is_said_in_words_and_is_no_failure(
    waiting: OpenAI, gemini: FakeGemini, steps: tuple[Any, ...], words: str
) -> None:
    DONE.clear()
    for _ in range(4):
        gemini.enqueue(*steps)
    whole = ask(waiting)
    assert text_and_reason(whole) == (words, "stop")
    chunks = list(ask(waiting, stream=True))
    assert (joined(chunks), shape(chunks[-1])[1]) == (words, "stop")
    response = waiting.responses.create(model="helper", input="Hi")
    assert (response.output_text, response.status) == (words, "completed")
    events = list(waiting.responses.create(model="helper", input="Hi", stream=True))
    assert "".join(getattr(event, "delta", "") for event in events) == words
    assert events[-1].type == "response.completed"
    assert SECRET not in repr([whole, chunks, response, events])
    assert DONE == []


def test_a_question_of_a_workflow_is_said_in_words(fake: FakeGemini) -> None:
    what = loaded_root(reviewer())
    with (
        launched(what, api_token=TOKEN) as url,
        OpenAI(base_url=f"{url}v1", api_key=TOKEN) as client,
    ):
        assert text_and_reason(ask(client, "cats", model="reviewer")) == (
            f"(The agent asks: “Who shall get «Draft about cats»?”. {NOT_HERE})",
            "stop",
        )


def test_the_thoughts_tell_a_waiting_call_once(waiting: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(GEMINI_PAYS)
    [choice] = ask(waiting).choices
    assert choice.message.reasoning_content == '\n[pay {"amount": 1, "to": "Ann"}]\n'


def test_a_ticket_is_no_failure(waiting: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("ask_boss", {"amount": 5}, "call-1"))
    gemini.enqueue("I have asked.")
    assert text_and_reason(ask(waiting)) == ("I have asked.", "stop")


def test_a_result_that_comes_later_is_no_empty_answer(gemini: FakeGemini) -> None:
    def order(thing: str) -> None:
        """Order a thing."""

    what = loaded(tools=[LongRunningFunctionTool(order)])
    with (
        launched(what, api_token=TOKEN) as url,
        OpenAI(base_url=f"{url}v1", api_key=TOKEN) as client,
    ):
        for _ in range(2):
            gemini.enqueue(Call("order", {"thing": "a lamp"}, "call-1"))
        words = "(The result of order comes later.)"
        assert text_and_reason(ask(client)) == (words, "stop")
        assert joined(list(ask(client, stream=True))) == words
