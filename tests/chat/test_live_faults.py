"""A talk whose model, tools, store or person fail: it ends in a plain sentence, and is not deaf."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from google.adk.errors import StaleSessionError
from google.adk.events import Event
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.adk.tools import FunctionTool

from agent.chat import live as talks
from agent.chat import live_line
from agent.chat.conversation import Conversation
from agent.core.notices import Notice
from agent.core.settings import Settings
from agent.core.transcript import ToolCall
from tests.support.app_setup import conversation, loaded
from tests.support.fake_live import (
    GO_AWAY,
    HANDLE,
    READY,
    Call,
    Close,
    FakeLive,
    Hang,
    Send,
    Spoken,
)
from tests.support.talks import GEMINI_3, OVER, VOICE, begin, shown, until, wait_until, whole


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between two connections."""
    monkeypatch.setattr(live_line, "DELAYS", (0.0,))


async def failure(**settings: Any) -> str:
    """How a talk ends in which something is said."""
    turn = begin(conversation(GEMINI_3, **settings), VOICE)
    await turn.say("Hi")
    async with asyncio.timeout(20):
        last = (await turn.finish())[-1]
    assert isinstance(last, Notice)
    return last.code


@pytest.mark.parametrize(
    ("opening", "code"),
    [
        (Close(1007, "API key not valid. Please pass a valid API key."), "bad_key"),
        (Close(1008, "models/x is not found for API version v1alpha"), "no_such_model"),
        (Close(1011, "You exceeded your current quota"), "model_busy"),
        (Close(1011, "Internal error"), "connection_broken"),
        (Send("{not json"), "model_failed"),
    ],
)
async def test_a_connection_that_is_refused_is_told(
    live: FakeLive, opening: Any, code: str
) -> None:
    for _ in range(10):
        live.open_with(opening)
    assert await failure() == code


async def test_a_server_that_nobody_reaches_is_told(
    live: FakeLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://127.0.0.1:9")
    assert await failure() == "unreachable"


async def test_a_server_that_takes_no_connection_is_not_waited_for(
    live: FakeLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_line, "CONNECT_TIMEOUT", 0.3)
    live.open_with(Hang())
    assert await failure() == "unreachable"


@pytest.mark.parametrize(
    "frame",
    [
        Send("{not json"),
        Send({"error": {"code": 500, "message": "Internal"}}),
        Send({"serverContent": {"modelTurn": "no turn"}}),
    ],
)
async def test_what_cannot_be_read_ends_the_talk(live: FakeLive, frame: Send) -> None:
    live.enqueue(Spoken("It is "), frame, Hang())
    assert await failure() == "model_failed"


async def test_a_line_that_cannot_be_taken_up_again_ends_the_talk(live: FakeLive) -> None:
    live.enqueue(Spoken("It is "), Close(1011, "Internal error"))
    assert await failure() == "connection_broken"


async def test_silence_has_an_end(live: FakeLive) -> None:
    live.enqueue(Hang())
    assert await failure(first_token_timeout=0.3) == "talk_no_answer"
    live.enqueue(Spoken("It is "), Hang())
    assert await failure(gap_timeout=0.3) == "talk_no_answer"
    live.enqueue(Spoken("Hello"))
    assert await failure(talk_silence=0.3) == "talk_silent"
    live.enqueue(Spoken("Hello"))
    assert await failure(talk_timeout=0.5) == "talk_timeout"


async def test_a_server_that_flaps_is_left_after_a_while(live: FakeLive) -> None:
    for _ in range(20):
        live.open_with(READY, HANDLE, Close(1011, "flap"))
    assert await failure() == "talk_line_lost"
    assert len(live.connections) == live_line.MAX_CONNECTIONS


async def test_a_line_that_is_lost_and_back_goes_on_and_keeps_what_was_heard(
    live: FakeLive,
) -> None:
    live.open_with(READY, HANDLE)
    live.enqueue(Spoken("Once upon "), Close(1011, "lost"))
    live.enqueue(Spoken("Here I am."))
    chat = conversation(GEMINI_3)
    turn = begin(chat, VOICE)
    await turn.say("Tell me a story")
    back = Notice("talk_line_back")
    await until(turn, "Once upon ", back)
    await asyncio.to_thread(live.arrived, 2)
    await turn.say("Are you there?")
    await wait_until(turn, whole("Here I am."))
    turn.end()
    later = ["(Are you there?)", "Here I am.", OVER]
    assert shown(await turn.finish()) == ["(Tell me a story)", "Once upon ", back, *later]
    (record,) = await chat.history()
    kept = shown(record.transcript)
    assert [entry for entry in kept if isinstance(entry, str)] == ["Once upon ", *later[:2]]
    assert live.connections[1].setup["session_resumption"] == {"handle": "handle-1"}
    assert live.connections[1].said == ["Are you there?"]


async def test_a_server_that_says_goodbye_may_end_its_answer(live: FakeLive) -> None:
    live.open_with(READY, HANDLE)
    live.enqueue(Spoken("It is "), GO_AWAY, Spoken("noon."))
    turn = begin(conversation(GEMINI_3), VOICE)
    await turn.say("What time is it?")
    await wait_until(turn, whole("It is noon."))
    await asyncio.to_thread(live.arrived, 2)
    turn.end()
    assert shown(await turn.finish()) == ["(What time is it?)", "It is noon.", OVER]


async def test_a_tool_that_fails_ends_its_call_alone(live: FakeLive) -> None:
    def explode() -> None:
        """Explode."""
        raise RuntimeError("Boom")

    turn = begin(conversation(GEMINI_3, agent={"tools": [explode]}), VOICE)
    live.enqueue(Call("explode"), Spoken("It has failed."))
    await turn.say("Explode")
    await wait_until(turn, whole("It has failed."))
    turn.end()
    await turn.finish()
    (answer,) = live.arrived().results
    assert answer["response"] == {"error": "RuntimeError: Boom"}


async def test_a_tool_that_never_ends_ends_the_talk(live: FakeLive) -> None:
    async def wait() -> None:
        """Wait."""
        await asyncio.Event().wait()

    turn = begin(conversation(GEMINI_3, agent={"tools": [wait]}, turn_timeout=0.5), VOICE)
    live.enqueue(Call("wait"), Hang())
    await turn.say("Wait")
    _, call, notice = await turn.finish()
    assert isinstance(call, ToolCall)
    assert call.seconds is not None
    assert notice == Notice("talk_tool_timeout", {"limit": 0.5})


async def test_a_model_that_does_nothing_but_call_tools_is_stopped(live: FakeLive) -> None:
    def again() -> str:
        """Again."""
        return "again"

    turn = begin(conversation(GEMINI_3, agent={"tools": [again]}, max_llm_calls=4), VOICE)
    live.enqueue(*[Call("again")] * 10)
    await turn.say("Go")
    assert (await turn.finish())[-1] == Notice("too_many_calls")
    assert len(live.arrived().results) <= 4


async def test_what_needs_approval_is_not_done_in_a_talk_and_said(live: FakeLive) -> None:
    done = []

    def buy() -> str:
        """Buy."""
        done.append("bought")
        return "bought"

    tool = FunctionTool(buy, require_confirmation=True)
    turn = begin(conversation(GEMINI_3, agent={"tools": [tool]}), VOICE)
    live.enqueue(Call("buy"), Spoken("You must approve."))
    await turn.say("Buy")
    await wait_until(turn, lambda latest: Notice("not_in_talk") in latest)
    turn.end()
    await turn.finish()
    assert done == []


async def test_who_is_gone_is_not_talked_to(live: FakeLive) -> None:
    turn = begin(conversation(GEMINI_3, leave_grace=0.1), VOICE)
    live.enqueue(Spoken("Hello"))
    await turn.say("Hi")
    await wait_until(turn, whole("Hello"))
    assert (await turn.finish())[-1] == Notice("unwatched")
    await asyncio.to_thread(live.arrived().is_closed.wait, 20)


async def write_elsewhere(store: SqliteSessionService, chat: Conversation) -> None:
    """Write to the session as another process would."""
    while True:
        session = await store.get_session(**chat.key._asdict())
        assert session
        with suppress(StaleSessionError):  # The talk has just stored something.
            await store.append_event(session, Event(author="helper", invocation_id="another"))
            return


# A busy machine may store words later than they are waited for.
@pytest.mark.flaky(reruns=2)
async def test_a_session_that_goes_on_elsewhere_ends_the_talk(
    live: FakeLive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = loaded(GEMINI_3).runner
    runner.session_service = store = SqliteSessionService(str(tmp_path / "chats.db"))
    chat = Conversation(runner, Settings())
    turn = begin(chat, VOICE)
    live.enqueue(Spoken("Hello"))
    await turn.say("Hi")
    await wait_until(turn, whole("Hello"))
    await write_elsewhere(store, chat)
    # Not before: on a busy machine the first words take longer than that.
    monkeypatch.setattr(talks, "TAKE_TIMEOUT", 2.0)
    await turn.say("Are you there?")
    async with asyncio.timeout(20):
        assert (await turn.finish())[-1] == Notice("elsewhere")
    assert live.arrived().is_closed.wait(5)
