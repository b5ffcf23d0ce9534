"""A turn and its watchers: how it grows, how it ends, and who may look."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

from google.adk.agents import BaseAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import ToolContext
from google.genai import types

from agent.chat.conversation import Conversation
from agent.chat.turn import Turn
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import Text, Transcript, answer
from tests.support.app_setup import conversation, notices, until
from tests.support.scripted_model import ScriptedModel, call, thought


def talk_of(*steps: object, **settings: float) -> Conversation:
    model = ScriptedModel()
    model.enqueue(*steps)
    return conversation(model, **settings)


async def watched(turn: Turn) -> list[str]:
    return [answer(transcript) async for transcript in turn.watch()]


async def test_a_watcher_sees_the_answer_grow_to_its_end() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    turn = talk_of("One", first, " two", second, " three").ask("Count")
    seen = []
    async for transcript in turn.watch():
        seen.append(answer(transcript))
        if seen[-1] == "One":
            first.set()
        if seen[-1] == "One two":
            second.set()
    assert list(dict.fromkeys(seen)) == ["One", "One two", "One two three"]


async def test_every_watcher_sees_the_same_end_whenever_it_comes() -> None:
    let_go = asyncio.Event()
    turn = talk_of("One", let_go, " two").ask("Count")
    early = asyncio.create_task(watched(turn))
    await until(turn, "One")
    late = asyncio.create_task(watched(turn))
    let_go.set()
    assert (await early)[-1] == (await late)[-1] == "One two"
    assert await watched(turn) == ["One two"]


async def test_a_slow_watcher_has_no_backlog() -> None:
    turn = talk_of(*["word "] * 500).ask("Go")
    looks = 0
    async for _ in turn.watch():
        looks += 1
        await turn.finish()
    assert looks == 2


async def test_a_silent_turn_gives_its_watcher_a_sign_of_life() -> None:
    turn = talk_of(asyncio.Event()).ask("Hi")
    watcher = turn.watch()
    assert [await anext(watcher), await anext(watcher), await anext(watcher)] == [(), (), ()]
    turn.stop()


async def test_a_turn_that_nobody_watches_ends_after_the_grace_time() -> None:
    turn = talk_of("Hel", asyncio.Event(), leave_grace=0.05).ask("Hi")
    await until(turn, "Hel")
    assert notices(await turn.finish()) == [SENTENCES["unwatched"]]


async def test_a_watcher_that_comes_back_in_time_keeps_the_turn_alive() -> None:
    let_go = asyncio.Event()
    turn = talk_of("Hel", let_go, "lo", leave_grace=0.2).ask("Hi")
    await until(turn, "Hel")
    again = asyncio.create_task(watched(turn))
    await asyncio.sleep(0.4)  # Longer than the grace time, to see that it is over.
    let_go.set()
    assert (await again)[-1] == "Hello"


async def test_a_stopped_turn_keeps_what_was_said() -> None:
    turn = talk_of(thought("Hm."), "Half", asyncio.Event()).ask("Hi")
    await until(turn, "Half")
    turn.stop()
    turn.stop()
    assert answer(await turn.finish()) == "Half"
    assert notices(turn.transcript) == ["Stopped."]


async def test_stopping_a_turn_that_is_over_changes_nothing() -> None:
    turn = talk_of("Whole.").ask("Hi")
    whole = await turn.finish()
    turn.stop()
    assert await turn.finish() == whole == (Text("Whole.", ("helper", None)),)


class Stubborn(BaseAgent):
    """An agent of a class of its own, which never looks at ADK's abort signal."""

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncIterator[Event]:  # type: ignore
        yield Event(author=self.name, content=types.ModelContent("Never"), partial=True)
        await asyncio.Event().wait()


async def test_even_an_agent_that_does_not_look_at_the_signal_can_be_stopped() -> None:
    runner = Runner(
        app_name="test", agent=Stubborn(name="mule"), session_service=InMemorySessionService()
    )
    turn = Conversation(runner, Settings()).ask("Go")
    await until(turn, "Never")
    turn.stop()
    assert notices(await turn.finish()) == ["Stopped."]


async def test_a_tool_at_work_is_not_a_standstill() -> None:
    started, let_go = asyncio.Event(), asyncio.Event()

    async def ponder() -> str:
        """Ponder."""
        started.set()
        await let_go.wait()
        return "42"

    model = ScriptedModel()
    model.enqueue(call("ponder"))
    model.enqueue("It is 42.")
    turn = conversation(model, {"tools": [ponder]}, gap_timeout=0.1).ask("Why?")
    await started.wait()
    await asyncio.sleep(0.3)  # Longer than the gap that a model may make.
    let_go.set()
    assert answer(await turn.finish()) == "It is 42."


async def test_an_ordinary_tool_does_not_hold_up_other_visitors() -> None:
    started, let_go = threading.Event(), threading.Event()

    def block() -> str:
        """Block a thread."""
        started.set()
        let_go.wait(20)
        return "done"

    model = ScriptedModel()
    model.enqueue(call("block"))
    turn = conversation(model, {"tools": [block]}).ask("Block")
    await asyncio.to_thread(started.wait, 20)
    other = talk_of("Here.").ask("Hi")
    assert answer(await other.finish()) == "Here."
    model.enqueue("Done.")
    let_go.set()
    assert answer(await turn.finish()) == "Done."


async def test_the_figures_are_those_of_the_stream() -> None:
    turn = talk_of(thought("Hm."), "One ", "two ", "three").ask("Count")
    await turn.finish()
    figures = turn.figures
    assert (figures.chunks, figures.characters) == (3, 13)
    assert (figures.smallest_chunk, figures.largest_chunk) == (4, 5)
    assert figures.first_token is not None
    assert 0 <= figures.first_token <= figures.total


async def test_snapshots_do_not_change_after_they_were_given() -> None:
    turn = talk_of("One ", "two ", "three").ask("Count")
    given: list[tuple[Transcript, str]] = [(t, repr(t)) async for t in turn.watch()]
    assert given[-1][1] == repr(turn.transcript)
    assert all(repr(transcript) == text for transcript, text in given)


async def test_a_tool_without_a_word_after_it_is_an_empty_answer() -> None:
    def look() -> str:
        """Look."""
        return "seen"

    model = ScriptedModel()
    model.enqueue(call("look"))
    model.enqueue(thought("Hm."))
    turn = conversation(model, {"tools": [look]}).ask("Look")
    assert notices(await turn.finish())[0].startswith("The AI returned an empty answer.")


async def test_a_tool_that_ends_the_turn_by_itself_is_an_answer() -> None:
    def look(tool_context: ToolContext) -> str:
        """Look."""
        tool_context.actions.skip_summarization = True
        return "seen"

    model = ScriptedModel()
    model.enqueue(call("look"))
    turn = conversation(model, {"tools": [look]}).ask("Look")
    assert answer(await turn.finish()) == "seen"
    assert notices(turn.transcript) == []
    assert (turn.figures.chunks, turn.figures.characters) == (1, 4)


async def test_a_tool_that_ends_the_turn_without_a_result_is_told_also_after_a_reload() -> None:
    def look(tool_context: ToolContext) -> None:
        """Look."""
        tool_context.actions.skip_summarization = True

    model = ScriptedModel()
    model.enqueue(call("look"))
    talk = conversation(model, {"tools": [look]})
    turn = talk.ask("Look")
    assert notices(await turn.finish()) == [SENTENCES["no_words"]]
    assert turn.failure is None
    [record] = await talk.history()
    assert record.transcript == turn.transcript


async def test_tokens_are_counted_over_all_calls_of_the_model() -> None:
    def look() -> str:
        """Look."""
        return "seen"

    model = ScriptedModel()
    model.enqueue(call("look"))
    model.enqueue("I ", "saw.")
    turn = conversation(model, {"tools": [look]}).ask("Look")
    await turn.finish()
    assert (turn.usage.prompt, turn.usage.answer) == (2, 2)


async def test_a_turn_knows_what_kept_it_from_a_good_end() -> None:
    good, bad = talk_of("Fine.").ask("Hi"), talk_of(ConnectionError("x")).ask("Hi")
    await asyncio.gather(good.finish(), bad.finish())
    assert (good.failure, repr(bad.failure)) == (None, "ConnectionError('x')")


async def test_a_turn_is_abandoned_once_all_who_watched_it_have_left() -> None:
    turn = talk_of("One", asyncio.Event()).ask("Count")
    async with aclosing(turn.watch()) as watcher:
        await anext(watcher)
        assert not turn.abandoned
    assert turn.abandoned
    turn.stop()
    await turn.finish()
    assert not turn.abandoned
