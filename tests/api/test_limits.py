"""The limits of every API: Gradio's API, SSE, OpenAI's protocol, MCP."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import as_completed
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import httpx
import pytest
from gradio_client import Client
from openai import BadRequestError, OpenAI

from agent.api.errors import limit_error
from agent.limits.rate_limits import LimitExceeded
from agent.models.offline import WHAT_I_AM
from tests.support.app_setup import launched, loaded
from tests.support.clock import MINUTE, Clock
from tests.support.fake_gemini import FakeGemini, Until
from tests.support.limits import PAUSED, full, lot, used_up
from tests.support.mcp_client import text_of, tools_of

pytestmark = pytest.mark.slow

TOO_LONG = (
    "This message has 6 characters, and at most 5 can be sent here. Please send a shorter one, or "
    "the text in parts."
)

OVER = "This chat has had its one message. Please begin a new one."

# Here uvicorn believes it, since it comes from its own machine.
SPAMMER = {"X-Forwarded-For": "192.0.2.1"}


def other(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"198.51.100.{number}"}


@pytest.mark.parametrize(
    ("code", "wait", "status"),
    [
        *(("closing", 60, 503), ("being_mended", 60, 503)),
        *(("address_busy", 1, 429), ("chat_full", None, 422)),
    ],
)
def test_each_refusal_has_the_status_that_says_whether_to_come_back(
    code: str, wait: int | None, status: int
) -> None:
    arguments = {"running": 1, "turns": 2}
    assert limit_error(LimitExceeded(code, wait, **arguments)).status_code == status


# Server-sent events


def post(url: str, query: str, session_id: str | None = None) -> httpx.Response:
    question = {"query": query, "session_id": session_id}
    return httpx.post(f"{url}chat/stream", json=question, timeout=30)


def get(url: str, query: str, session_id: str | None = None) -> httpx.Response:
    question = {"query": query, **({"session_id": session_id} if session_id else {})}
    return httpx.get(f"{url}chat/stream", params=question, timeout=30)


def session_of(response: httpx.Response) -> str:
    return response.text.partition('"session_id": "')[2].partition('"')[0]


def refusal(response: httpx.Response) -> tuple[int, str, str | None]:
    """Its status, its sentence, and after how many seconds to come back."""
    detail = str(response.json()["detail"])
    return response.status_code, detail, response.headers.get("retry-after")


@pytest.mark.parametrize("ask", [post, get])
def test_a_message_too_many_is_429_with_the_seconds_to_wait(
    gemini: FakeGemini, clock: Clock, ask: Any
) -> None:
    gemini.always("Hello.")
    with launched(loaded(), visitor_per_minute=1) as url:
        session = session_of(ask(url, "one"))
        clock.move(1)
        said = lot("1 a minute", "59 seconds")
        assert refusal(ask(url, "hasty", session)) == (429, said, "59")
        clock.move(MINUTE - 1)
        assert ask(url, "two", session).status_code == 200
    assert gemini.requests[1].conversation == [
        ("user", "one"),
        ("model", "Hello."),
        ("user", "two"),
    ]


@pytest.mark.parametrize("ask", [post, get])
def test_what_no_waiting_helps_is_422(gemini: FakeGemini, ask: Any) -> None:
    gemini.always("Hello.")
    with launched(loaded(), max_message_length=5, max_chat_turns=1) as url:
        assert refusal(ask(url, "x" * 6)) == (422, TOO_LONG, None)
        session = session_of(ask(url, "x" * 5))
        assert refusal(ask(url, "x" * 6, session)) == (422, TOO_LONG, None)
        assert refusal(ask(url, "Hi", session)) == (422, OVER, None)
    assert len(gemini.requests) == 1


def test_a_program_that_begins_anew_each_time_is_counted_by_its_address(
    gemini: FakeGemini, clock: Clock
) -> None:
    gemini.always("Hello.")
    with launched(loaded(), visitor_per_minute=1, address_per_minute=2) as url:
        statuses = [post(url, "Hi").status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert len(gemini.requests) == 2


async def test_fifty_at_once_from_one_address_hold_nobody_else_up(gemini: FakeGemini) -> None:
    gate = threading.Event()
    gemini.reply_to("spam", "Wait", Until(gate), "ed.")
    gemini.reply_to("Hi", "Yes.")

    many = httpx.Limits(max_connections=None)
    with launched(loaded(), address_running=5, leave_grace=600) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60, limits=many) as client:
            spam = await asyncio.gather(*(begin(client, "spam", SPAMMER) for _ in range(50)))
            admitted = [response for response in spam if response.status_code == 200]
            refused = [response for response in spam if response.status_code == 429]
            others = await asyncio.gather(*(begin(client, "Hi", other(n)) for n in range(5)))
            for response in others:
                assert b"Yes." in await response.aread()
            assert not gate.is_set()
            gate.set()
            assert [b"ed." in await response.aread() for response in admitted] == [True] * 5
            assert (len(refused), len(gemini.requests)) == (45, 10)
            for response in refused:
                await response.aread()
            assert {refusal(response) for response in refused} == {(429, full("5 answers"), "1")}


async def begin(client: httpx.AsyncClient, query: str, headers: dict[str, str]) -> httpx.Response:
    """The answer's begin, as soon as there is one."""
    question = client.build_request("POST", "chat/stream", json={"query": query}, headers=headers)
    return await client.send(question, stream=True)


def test_the_pause_is_announced_before_the_answer(gemini: FakeGemini) -> None:
    with launched(loaded(), demo_paused=True) as url:
        said = post(url, "Hi").text
    assert PAUSED in said
    assert "offline" in said
    assert said.endswith("data: [DONE]\nid: end\n\n")
    assert gemini.requests == []


# Gradio's API


@contextmanager
def client_of(url: str, headers: dict[str, str] = SPAMMER) -> Iterator[Client]:
    client = Client(url, verbose=False, analytics_enabled=False, headers=headers)
    yield client
    client.close()


def ask_gradio(client: Client, message: str) -> str:
    return str(client.predict(message, api_name="/chat"))


@pytest.mark.parametrize(
    ("limit", "second", "told"),
    [
        ({"visitor_per_day": 1}, "Hello", f"({lot('1 a day', '24 hours')})"),
        ({"address_per_day": 1}, "Hello", f"({lot('1 a day', '24 hours')})"),
        ({"max_message_length": 5}, "Hello!", f"({TOO_LONG})"),
        ({"max_chat_turns": 1}, "Hello", f"({OVER})"),
    ],
)
def test_gradios_api_answers_with_the_sentence(
    gemini: FakeGemini, clock: Clock, limit: dict[str, Any], second: str, told: str
) -> None:
    gemini.always("Yes.")
    with launched(loaded(), **limit) as url, client_of(url) as client:
        assert [ask_gradio(client, message) for message in ("Hi", second)] == ["Yes.", told]
    assert len(gemini.requests) == 1


def test_gradios_api_tells_of_the_budget_and_of_what_answers(
    gemini: FakeGemini, clock: Clock
) -> None:
    gemini.always("Yes.")
    with launched(loaded(), daily_turns=1) as url:
        with client_of(url) as client:
            assert ask_gradio(client, "Hi") == "Yes."
        with client_of(url) as client:
            told = ask_gradio(client, "Hi")
    assert told.startswith(WHAT_I_AM)
    assert told.endswith(f"\n\n({used_up('24 hours')})")


@pytest.mark.thorough
def test_by_gradios_api_too_one_address_holds_nobody_else_up(gemini: FakeGemini) -> None:
    gate = threading.Event()
    gemini.reply_to("spam", "Wait", Until(gate), "ed.")
    gemini.reply_to("Hi", "Yes.")
    with ExitStack() as stack:
        url = stack.enter_context(launched(loaded(), address_running=2, leave_grace=600))
        spam = [stack.enter_context(client_of(url)) for _ in range(6)]
        visitor = stack.enter_context(client_of(url, other(1)))
        jobs = [client.submit("spam", api_name="/chat").future for client in spam]
        refused = [f"({full('2 answers')})"] * 4
        assert [job.result() for job in islice(as_completed(jobs), 4)] == refused
        assert ask_gradio(visitor, "Hi") == "Yes."
        gate.set()
        assert sorted(job.result() for job in jobs) == [*refused, "Waited.", "Waited."]


def test_gradios_session_hash_is_nobodys_id(gemini: FakeGemini) -> None:
    gemini.always("Yes.")
    what = loaded()
    with launched(what) as url, client_of(url) as client:
        ask_gradio(client, "Hi")
        ids = str(asyncio.run(what.runner.session_service.list_sessions(app_name="test")))
        assert client.session_hash not in ids
        assert "visitor-" in ids


# OpenAI's protocol


TOKEN = "the-token-of-this-host"


@contextmanager
def openai(**settings: Any) -> Iterator[OpenAI]:
    with (
        launched(loaded(), api_token=TOKEN, **settings) as url,
        OpenAI(base_url=f"{url}v1", api_key=TOKEN) as client,
    ):
        yield client


def complete(client: OpenAI, *said: str, **options: Any) -> Any:
    """The answer to the last of these, which the user and the model have said in turn."""
    roles = ["user", "assistant"] * len(said)
    messages: Any = [{"role": r, "content": text} for r, text in zip(roles, said, strict=False)]
    return client.chat.completions.create(model="helper", messages=messages, **options)


@pytest.mark.parametrize(
    ("said", "sentence"), [(["x" * 6], TOO_LONG), (["Hi", "Hello.", "Hi"], OVER)]
)
@pytest.mark.parametrize("stream", [False, True])
def test_openais_clients_read_the_sentence(
    gemini: FakeGemini, said: list[str], sentence: str, stream: bool
) -> None:
    with (
        openai(max_message_length=5, max_chat_turns=1) as client,
        pytest.raises(BadRequestError) as caught,
    ):
        complete(client, *said, stream=stream)
    assert caught.value.body == {
        "message": sentence,
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
    assert gemini.requests == []


TOGETHER = (
    "These messages have 11 characters together, and at most 10 can be sent here. Please begin a "
    "new conversation, or send less of this one."
)


def test_all_messages_together_may_be_as_long_as_a_chat(gemini: FakeGemini) -> None:
    gemini.always("Yes.")
    with openai(max_message_length=5, max_chat_turns=2) as client:
        for said in (["x" * 10], ["x", "x" * 8, "x"]):
            assert complete(client, *said).choices[0].message.content == "Yes."
        for said in (["x" * 8, "xx", "x"], ["x", "x" * 9, "x"]):
            with pytest.raises(BadRequestError, match=TOGETHER):
                complete(client, *said)
    assert len(gemini.requests) == 2


def test_any_number_of_messages_is_counted_before_anything_is_done_with_them(
    gemini: FakeGemini,
) -> None:
    gemini.always("Yes.")
    system: Any = {"role": "system", "content": "x"}
    with openai(max_chat_turns=50) as client:
        begun = time.monotonic()
        with pytest.raises(BadRequestError, match="This chat has had its 50 messages"):
            complete(client, *["x"] * 1_501)
        create = client.chat.completions.create
        create(model="helper", messages=[*[system] * 1_500, {"role": "user", "content": "Hi"}])
        assert time.monotonic() - begun < 5  # Each that is stored takes milliseconds.
    assert len(gemini.requests[0].conversation) == 101


@pytest.mark.parametrize("before", [(), ("Hello", "Hello.")], ids=["first", "later"])
def test_openais_clients_are_told_what_answers(gemini: FakeGemini, before: tuple[str, ...]) -> None:
    with openai(demo_paused=True) as client:
        whole = complete(client, *before, "Hi").choices[0].message.content
        chunks = complete(client, *before, "Hi", stream=True)
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert whole == streamed
    assert whole.endswith(f"\n\n({PAUSED})")
    assert gemini.requests == []


# MCP


async def test_mcp_clients_read_the_sentence(gemini: FakeGemini) -> None:
    gemini.always("Yes.")
    with launched(loaded(), max_message_length=5, address_per_day=2) as url:
        async with tools_of(url) as tools:
            results = [
                await tools.call_tool("ask", {"message": message})
                for message in ("Hello!", "Hi", "Hi")
            ]
    told = [text_of(result) for result in results]
    assert [result.isError for result in results] == [True, False, True]
    assert told[:2] == [f"({TOO_LONG})", "Yes."]
    assert told[2].startswith("(That was a lot of messages: 2 a day can be sent here.")
    assert len(gemini.requests) == 1
