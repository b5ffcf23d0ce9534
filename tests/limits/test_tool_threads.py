"""The threads of ordinary tools: a share for each visitor, and a new one for each that is left
behind."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.core.transcript import Transcript, answer
from agent.limits.tool_threads import MAX_LEFT, ToolThreads, caller, threads_left
from tests.support.app_setup import notices, registry
from tests.support.scripted_model import ScriptedModel, call


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What the hanging tools of a test wait for."""
    gate = threading.Event()
    yield gate
    gate.set()


class Tools:
    """A tool that hangs until the gate opens, and one that does not."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate, self.begun = gate, 0

    def both(self) -> list[Any]:
        def hang() -> str:
            """Hang."""
            self.begun += 1
            self._gate.wait()
            return "at last"

        def look() -> str:
            """Look."""
            return "nothing"

        return [hang, look]

    async def begin(self, times: int) -> None:
        """Wait until so many calls have begun."""
        while self.begun < times:  # noqa: ASYNC110 (in threads)
            await asyncio.sleep(0.01)


def visitors_of(tools: Tools, *scripts: list[Any], **settings: Any) -> Registry:
    return registry(ScriptedModel(scripts=list(scripts)), {"tools": tools.both()}, **settings)


def hangs(times: int) -> list[Any]:
    return [call("hang", f"call-{number}") for number in range(times)]


LOOK: list[list[Any]] = [[call("look")], ["Seen."]]


async def ask(talk: Conversation) -> Transcript:
    return await talk.ask("Go").finish()


async def stopped(talk: Conversation, tools: Tools, hanging: int) -> Transcript:
    """A turn that is stopped when so many of its tools hang."""
    begun, turn = tools.begun, talk.ask("Go")
    await tools.begin(begun + hanging)
    turn.stop()
    return await turn.finish()


async def all_back() -> None:
    """Wait until no thread is at work for a turn that is over."""
    while threads_left() != (0, False):  # noqa: ASYNC110 (a thread's)
        await asyncio.sleep(0.01)


async def test_a_message_takes_no_more_than_its_share(gate: threading.Event) -> None:
    tools = Tools(gate)
    visitors = visitors_of(tools, hangs(8), *LOOK, ["Done."], tool_threads=8)
    first = visitors.open().conversation.ask("Go")
    await tools.begin(4)
    assert answer(await ask(visitors.open().conversation)) == "Seen."
    gate.set()
    assert answer(await first.finish()) == "Done."


async def test_threads_that_outlive_their_turn_are_replaced(gate: threading.Event) -> None:
    tools = Tools(gate)
    visitors = visitors_of(tools, *[hangs(4)] * 3, *LOOK, tool_threads=4)
    for number in range(1, 4):
        said = await stopped(visitors.open().conversation, tools, 2)
        assert notices(said) == ["Stopped."]
        assert threads_left() == (2 * number, False)
    assert answer(await ask(visitors.open().conversation)) == "Seen."


async def test_who_has_left_too_many_behind_can_call_no_more_until_they_are_back(
    gate: threading.Event,
) -> None:
    tools = Tools(gate)
    visitors = visitors_of(tools, hangs(2), *LOOK, *LOOK, *LOOK, tool_threads=4)
    talk = visitors.open().conversation
    await stopped(talk, tools, 2)
    [result] = [entry.result for entry in await ask(talk) if hasattr(entry, "result")]
    assert result["error"].startswith("Tools that were called before have not come back yet")
    assert "nothing" in str(await ask(visitors.open().conversation))
    gate.set()
    await all_back()
    assert "nothing" in str(await ask(talk))


async def test_a_call_that_waited_for_room_is_not_made_after_its_turn(
    gate: threading.Event,
) -> None:
    tools = Tools(gate)
    visitors = visitors_of(tools, hangs(8), tool_threads=4)
    await stopped(visitors.open().conversation, tools, 2)
    gate.set()
    await all_back()
    assert tools.begun == 2


def test_when_too_many_are_left_behind_nobody_can_call_any_more(gate: threading.Event) -> None:
    pool = ToolThreads(1)
    for number in range(MAX_LEFT):
        caller.set(f"visitor {number}")
        pool.submit(gate.wait).cancel()
    assert (pool.left, pool.is_used_up) == (MAX_LEFT, True)
    with pytest.raises(Exception, match="have not come back"):
        pool.submit(gate.wait)


def test_where_the_system_has_no_more_threads_the_call_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = ToolThreads(1)
    with monkeypatch.context() as broken:
        broken.setattr(threading.Thread, "start", start)
        failed = pool.submit(lambda: 1)
    assert isinstance(failed.exception(), RuntimeError)
    assert pool.submit(lambda: 2).result() == 2
