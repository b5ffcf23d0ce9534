"""What readers who can only append are told: nothing lost, nothing doubled, all in order."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from itertools import groupby, pairwise
from typing import TypeAlias

from google.adk.events import Event
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from agent.chat.streams import DeltaLog
from agent.chat.turn import Turn
from agent.core.deltas import Delta, Rewrite, deltas
from agent.core.files import File
from agent.core.pauses import Pause, Reply
from agent.core.text import clean
from agent.core.transcript import (
    CODE,
    Notice,
    Source,
    Text,
    Thought,
    ToolCall,
    Transcript,
    answer,
    close,
    spaced,
)
from tests.support.app_setup import conversation, until
from tests.support.events import (
    HELPER,
    chunk,
    code,
    error,
    image,
    outcome,
    result,
    text,
    thinks,
    tool,
    transcripts,
    whole,
)
from tests.support.scripted_model import ScriptedModel, call, thought

ANN: Source = ("ann", "both.ann")
BOB: Source = ("bob", "both.bob")


def told(*looks: Transcript) -> list[list[Delta]]:
    """What each look at a growing transcript tells."""
    return [deltas(before, after) for before, after in pairwise(((), *looks))]


def streamed(*events: Event) -> list[list[Delta]]:
    """What a reader is told who looks after each event."""
    return told(*transcripts(*events))


# One agent


def test_a_growing_text_is_told_piece_by_piece_and_its_whole_not_again() -> None:
    assert streamed(chunk("Hel"), chunk("lo"), whole("Hello")) == [
        [text("Hel", "open")],
        [text("lo", "open")],
        [],
    ]


def test_whoever_looks_once_is_told_all_at_once() -> None:
    everything = thinks("hm"), text("Look: "), tool(result={"n": 1}, seconds=0.0), text("1.")
    assert deltas((), everything) == [
        thinks("hm"),
        text("Look: "),
        tool(),
        tool(result={"n": 1}, seconds=0.0),
        text("1."),
    ]


def test_nothing_new_is_nothing_told() -> None:
    everything = (
        *(thinks("hm"), text("a"), tool("a"), tool("b", result={}, seconds=0.0)),
        *(File("image/png", b"P", HELPER), text("b", "cut"), Notice("Stopped.")),
    )
    assert deltas(everything, everything) == deltas((), ()) == []


def test_a_whole_that_says_more_than_its_partials_tells_what_is_more() -> None:
    assert streamed(chunk("Hel"), whole("Hello"))[1] == [text("lo")]


def test_a_whole_is_told_apart_from_the_one_before() -> None:
    assert streamed(chunk("a"), whole("a"), chunk("a"), whole("a")) == [
        [text("a", "open")],
        [],
        [text("a", "open")],
        [],
    ]


def test_thoughts_are_told_as_they_come_and_apart_from_the_answer() -> None:
    assert streamed(
        chunk(thought("h")), chunk(thought("m")), chunk("Hi"), whole(thought("hm"), "Hi")
    ) == [
        [thinks("h", "open")],
        [thinks("m", "open")],
        [text("Hi", "open")],
        [],
    ]


def test_an_open_thought_does_not_hold_up_the_text_after_it() -> None:
    assert streamed(chunk(thought("hm"), "Hel"), chunk("lo")) == [
        [thinks("hm", "open"), text("Hel", "open")],
        [text("lo", "open")],
    ]


def test_a_thought_between_texts_is_told_in_its_place() -> None:
    chunks = chunk("a"), chunk(thought("hm")), chunk("b")
    assert streamed(*chunks, whole("a", thought("hm"), "b")) == [
        [text("a", "open")],
        [thinks("hm", "open")],
        [text("b", "open")],
        [],
    ]


def test_a_whole_that_has_its_thoughts_first_tells_nothing_again() -> None:
    chunks = chunk("a"), chunk(thought("hm")), chunk("b")
    assert streamed(*chunks, whole(thought("hm"), "ab"))[3] == []


def test_what_is_cut_off_is_not_told_again() -> None:
    grown = text("Hel", "open")
    assert told((grown,), (text("Hel", "cut"), Notice("Stopped."))) == [
        [grown],
        [Notice("Stopped.")],
    ]


# Tools, pictures and notices


def test_a_call_is_told_and_then_its_result() -> None:
    assert streamed(
        chunk("Look: "),
        whole("Look: ", call("get_time"), at=10),
        whole(result("call-1", time="noon"), at=12.5),
        chunk("No"),
        whole("Noon."),
    ) == [
        [text("Look: ", "open")],
        [tool(began=10)],
        [tool(began=10, result={"time": "noon"}, seconds=2.5)],
        [text("No", "open")],
        [text("on.")],
    ]


def test_a_call_whose_result_is_nothing_is_told_as_answered() -> None:
    assert told((tool(),), (tool(result=None, seconds=0.0),))[1] == [tool(seconds=0.0)]


def test_parallel_calls_may_be_answered_out_of_order() -> None:
    calls = whole(call("get_time", id="a"), call("get_time", id="b"))
    answers = whole(result("b", n=2), at=1), whole(result("a", n=1), at=2)
    assert streamed(calls, *answers) == [
        [tool("a"), tool("b")],
        [tool("b", result={"n": 2}, seconds=1)],
        [tool("a", result={"n": 1}, seconds=2)],
    ]


def test_calls_and_results_between_two_looks_are_told_in_pairs() -> None:
    a, b = tool("a", result={"n": 1}, seconds=2), tool("b", result={"n": 2}, seconds=1)
    assert deltas((), (a, b)) == [tool("a"), a, tool("b"), b]


def test_a_long_running_tools_second_answer_is_told_too() -> None:
    asked = whole(call("get_time"), long_running_tool_ids={"call-1"})
    first, second = whole(result("call-1", n=1), at=1), whole(result("call-1", n=2), at=60)
    assert streamed(asked, first, second) == [
        [tool(waits_for="program")],
        [tool(result={"n": 1}, seconds=1, waits_for="program")],
        [tool(result={"n": 2}, seconds=60, waits_for="program")],
    ]


def test_a_call_that_waits_for_a_person_is_told_once_before_its_result() -> None:
    waits, done = tool(waits_for="person"), tool(result={"n": 1}, seconds=60)
    asked = Pause("p", "adk_request_confirmation", "approval", call_id="call-1")
    replied = replace(asked, reply=Reply())
    assert told((tool(), asked), (waits, asked), (waits, replied), (done, replied)) == [
        [tool(), asked],
        [],
        [replied],
        [done],
    ]
    assert told((waits, asked), (done, replied)) == [[tool(), asked], [replied, done]]


def test_a_call_that_the_turn_left_behind_is_told_as_ended() -> None:
    left = (tool(),)
    assert told(left, close(left))[1] == [
        tool(result={"error": "It had not answered when the turn ended."}, seconds=0.0)
    ]


def test_code_that_the_model_runs_is_told_like_a_tool() -> None:
    run_code = ToolCall("", CODE, {"code": "1+1"}, HELPER, began=1)
    assert streamed(whole(code("1+1"), at=1), whole(outcome("2"), at=3)) == [
        [run_code],
        [ToolCall("", CODE, {"code": "1+1"}, HELPER, began=1, result="2", seconds=2)],
    ]


def test_a_picture_is_told_once_and_in_its_place() -> None:
    picture = File("image/png", b"P", HELPER)
    assert streamed(chunk("a"), whole("a", image(b"P"), "b"), chunk("c"), whole("c")) == [
        [text("a", "open")],
        [picture, text("b")],
        [text("c", "open")],
        [],
    ]


def test_a_notice_is_told_once() -> None:
    notice = Notice("A note.")
    assert told((notice,), (notice, text("Hel", "open")), (notice, text("Hello"))) == [
        [notice],
        [text("Hel", "open")],
        [text("lo")],
    ]


# Words that were taken back


def test_a_rewritten_answer_is_told_anew_and_then_goes_on() -> None:
    assert streamed(
        chunk("The key is 1234"), whole("The key is ****"), chunk(" Sorry"), whole(" Sorry.")
    ) == [
        [text("The key is 1234", "open")],
        [Rewrite("The key is ****")],
        [text(" Sorry", "open")],
        [text(".")],
    ]


def test_a_rewrite_holds_the_whole_answer_and_what_else_is_new_follows() -> None:
    before = text("One. "), text("Tow", "open")
    after = text("One. "), text("Two."), tool(), Notice("A note.")
    assert told(before, after)[1] == [Rewrite("One. Two."), tool(), Notice("A note.")]


def test_an_attempt_that_was_cut_is_superseded_by_the_next() -> None:
    assert streamed(chunk("Hel"), error(), chunk("Good"), whole("Good day")) == [
        [text("Hel", "open")],
        [],
        [Rewrite("Good")],
        [text(" day")],
    ]


def test_a_second_attempt_that_begins_like_the_first_goes_on_from_it() -> None:
    assert streamed(chunk("Hel"), error(), whole("Hello"))[2] == [text("lo")]


def test_an_attempt_that_was_cut_may_leave_calls_that_are_not_told_again() -> None:
    steps = whole(call("get_time")), whole(result("call-1", n=1)), chunk("No"), error()
    assert streamed(*steps, whole("It is 1."))[4] == [Rewrite("It is 1.")]


def test_thoughts_that_are_thought_anew_are_told_and_the_answer_is_not() -> None:
    assert told((thinks("hm", "open"), text("Hi", "open")), (thinks("so"), text("Hi")))[1] == [
        thinks("so")
    ]


# Two agents at once


def test_the_second_agent_waits_until_the_first_has_said_all() -> None:
    assert streamed(
        chunk("A", source=ANN),
        chunk("B", source=BOB),
        chunk("a", source=ANN),
        whole("Bb", source=BOB),
        whole("Aa.", source=ANN),
    ) == [
        [text("A", "open", ANN)],
        [],
        [text("a", "open", ANN)],
        [],
        [text(".", source=ANN), text("\n\nBb", source=BOB)],
    ]


def test_the_second_agents_calls_wait_with_its_words() -> None:
    asked = ToolCall("call-1", "get_time", {}, BOB)
    assert streamed(
        chunk("A", source=ANN),
        whole("B", call("get_time"), source=BOB),
        whole("A", source=ANN),
        whole(result("call-1", n=1), source=BOB),
    ) == [
        [text("A", "open", ANN)],
        [],
        [text("\n\nB", source=BOB), asked],
        [ToolCall("call-1", "get_time", {}, BOB, result={"n": 1}, seconds=0.0)],
    ]


def test_an_agent_that_was_cut_off_holds_up_no_other() -> None:
    events = chunk("A", source=ANN), chunk("B", source=BOB), error(source=ANN)
    assert streamed(*events)[2] == [text("\n\nB", "open", BOB)]


def test_an_agent_that_thinks_first_is_not_overtaken_by_the_words_of_another() -> None:
    seen = transcripts(
        chunk(thought("hm"), source=ANN),
        chunk("B", source=BOB),
        chunk("A", source=ANN),
        whole(thought("hm"), "A", source=ANN),
        whole("B", source=BOB),
    )
    assert in_order(all_told(seen)) == [
        (Thought, ANN, "hm"),
        (Text, ANN, "A"),
        (Text, BOB, "\n\nB"),
    ]


# Answers apart from each other


def test_the_next_answer_begins_after_a_blank_line() -> None:
    assert streamed(
        chunk("One", id="1"),
        whole("One.", id="1"),
        chunk("T", id="2"),
        chunk("wo", id="2"),
        whole("Two.", id="2"),
    ) == [
        [text("One", "open")],
        [text(".")],
        [text("\n\nT", "open")],
        [text("wo", "open")],
        [text(".")],
    ]


def test_a_blank_line_that_is_there_is_not_made_longer() -> None:
    def joined(first: str, second: str) -> str:
        return "".join(c.text for c in deltas((), (text(first), text(second, source=BOB))))  # type: ignore[union-attr]

    assert joined("One.", "Two.") == "One.\n\nTwo."
    assert joined("One.\n", "Two.") == "One.\n\nTwo."
    assert joined("One.", "\nTwo.") == "One.\n\nTwo."
    assert joined("One.\n\n\n", "Two.") == "One.\n\n\nTwo."
    assert joined(" ", "Two.") == " Two."


def test_an_agent_that_goes_on_after_its_tool_is_not_interrupted_by_a_blank_line() -> None:
    called = whole("It is ", call("get_time"), id="1"), whole(result("call-1", n=1), id="2")
    assert answer(transcripts(*called, whole("noon.", id="3"))[-1]) == "It is noon."


def test_an_agents_next_answer_is_apart_from_the_last_also_if_it_begins_with_a_tool() -> None:
    first, *then = (
        whole("One.", id="1"),
        whole(call("get_time"), id="2"),
        whole(result("call-1", n=1), id="3"),
        whole("Two.", id="4"),
    )
    assert answer(transcripts(first, *then)[-1]) == "One.\n\nTwo."


# Characters


def test_half_of_a_character_waits_for_its_other_half() -> None:
    assert streamed(chunk("a\ud83d"), chunk("\ude00b"), whole("a😀b")) == [
        [text("a", "open")],
        [text("😀b", "open")],
        [],
    ]


def test_a_half_that_stays_alone_is_told_as_one_replacement() -> None:
    grown = transcripts(chunk("a\ud83d"), chunk("b"))
    assert told(*grown, close(grown[-1])) == [[text("a", "open")], [text("\ufffdb", "open")], []]
    assert told(grown[0], close(grown[0]))[1] == [text("\ufffd", "cut")]


def test_a_half_before_the_end_of_a_line_is_told_as_one_replacement() -> None:
    first = text("\ufffd\n", "open")
    assert streamed(chunk("\ud83d\n"), chunk("x")) == [[first], [text("x", "open")]]


def test_nuls_are_not_told() -> None:
    assert streamed(chunk("a\0"), chunk("\0"), chunk("\0b"), whole("a\0\0\0b")) == [
        [text("a", "open")],
        [],
        [text("b", "open")],
        [],
    ]


# Properties: any words, in any chunks, seen at any moments.

# What an agent says: pieces of thought (True) and of text.
Utterances: TypeAlias = list[tuple[bool, str]]

whole_ones = st.characters(exclude_categories=["Cs"])
words = st.text(st.sampled_from("a\n\0\ufeff😀") | whole_ones, min_size=1, max_size=8)
halves = st.text(st.sampled_from("a\n\0\ud83d\ude00"), min_size=2, max_size=12) | words
utterances = st.lists(st.tuples(st.booleans(), words), min_size=1, max_size=4)


def alone(said: str) -> Utterances:
    """A text without a thought."""
    return [(False, said)]


def halved(whole: str) -> str:
    """The same with each character beyond the first 65,536 as its two halves, as JSON has it."""
    raw = whole.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(raw[i : i + 2], "little")) for i in range(0, len(raw), 2))


@st.composite
def pieces(draw: st.DrawFn, whole: str) -> list[str]:
    """The text, cut anywhere, also in the middle of a character."""
    units = halved(whole)
    cuts = [i for i in range(1, len(units)) if draw(st.booleans())]
    return [units[start:end] for start, end in pairwise([0, *cuts, len(units)])]


@st.composite
def speeches(
    draw: st.DrawFn, said: st.SearchStrategy[Utterances], source: Source = HELPER
) -> list[Event]:
    """An agent's partials, and then most often its whole."""
    runs = groupby(draw(said), key=lambda piece: piece[0])
    parts = [
        types.Part(text="".join(text for _, text in run), thought=is_thought)
        for is_thought, run in runs
    ]
    partials = [
        chunk(types.Part(text=piece, thought=part.thought), source=source)
        for part in parts
        for piece in draw(pieces(str(part.text)))
    ]
    return partials + draw(st.sampled_from([1, 1, 0])) * [whole(*parts, source=source)]


@st.composite
def looks(draw: st.DrawFn, *speakers: st.SearchStrategy[list[Event]]) -> list[Transcript]:
    """What a reader sees of agents that speak at once, now and then, and at the turn's end."""
    waiting = [draw(speaker) for speaker in speakers]
    events = []
    while any(waiting):
        events.append(draw(st.sampled_from([speech for speech in waiting if speech])).pop(0))
    moments = transcripts(*events)
    return [moment for moment in moments if draw(st.booleans())] + [close(moments[-1])]


def in_order(said: Iterable[Delta]) -> list[tuple[type[Delta], Source, str]]:
    """Words with who says them and how, neighbours of one kind joined, as they are to be told."""
    said = spaced(tuple(e for e in said if not isinstance(e, Rewrite)))
    spoken = [e for e in said if isinstance(e, Text | Thought) and clean(e.text)]
    runs = groupby(spoken, key=lambda entry: (type(entry), entry.source))
    return [(*kind, "".join(clean(entry.text) for entry in run)) for kind, run in runs]


def all_told(seen: list[Transcript]) -> list[Delta]:
    """All that a reader is told, who is never told to begin anew."""
    everything = [change for look in told(*seen) for change in look]
    assert not any(isinstance(change, Rewrite) for change in everything)
    return everything


@given(looks(speeches(halves.map(alone))))
def test_any_text_in_any_chunks_is_told_to_the_last_character(seen: list[Transcript]) -> None:
    texts = [change.text for change in all_told(seen) if isinstance(change, Text)]
    assert "".join(texts) == clean(answer(seen[-1]))
    assert "" not in texts


@given(looks(speeches(utterances)))
def test_thoughts_and_texts_are_told_in_full_and_in_order(seen: list[Transcript]) -> None:
    assert in_order(all_told(seen)) == in_order(seen[-1])


@given(looks(speeches(words.map(alone), ANN), speeches(words.map(alone), BOB)))
def test_two_agents_at_once_are_told_in_full_and_in_order(seen: list[Transcript]) -> None:
    assert in_order(all_told(seen)) == in_order(seen[-1])


@given(looks(speeches(utterances, ANN), speeches(utterances, BOB)))
def test_two_agents_that_think_are_told_in_full_and_in_order(seen: list[Transcript]) -> None:
    assert in_order(all_told(seen)) == in_order(seen[-1])


# The log of a turn

Told: TypeAlias = list[tuple[int, Delta]]


def look() -> str:
    """Look."""
    return "seen"


def turn_of(*scripts: tuple[object, ...]) -> Turn:
    """A turn whose agent can look, and says these scripts."""
    model = ScriptedModel()
    for steps in scripts:
        model.enqueue(*steps)
    return conversation(model, {"tools": [look]}).ask("Go")


async def read(log: DeltaLog, after: int = 0, until: int | None = None) -> Told:
    """The numbered changes beyond `after`: up to number `until`, or all."""
    told: Told = []
    async with aclosing(log.read(after)) as changes:
        async for number, change in changes:
            told += [(number, change)] if change else []
            if number == until:
                break
    return told


async def test_all_readers_of_a_turn_are_told_the_same_under_the_same_numbers() -> None:
    let_go = asyncio.Event()
    log = DeltaLog(turn_of((thought("hm"), "One", let_go, call("look")), ("Two", " three")))
    early = asyncio.create_task(read(log))
    await until(log.turn, "One")
    late = asyncio.create_task(read(log))
    let_go.set()
    told = await early
    assert told == await late == await read(log) == list(enumerate(log.deltas, start=1))
    assert in_order(log.deltas) == in_order(log.turn.transcript)
    assert [c.seconds is None for c in log.deltas if isinstance(c, ToolCall)] == [True, False]


async def test_a_reader_that_broke_off_goes_on_with_exactly_the_rest() -> None:
    let_go = asyncio.Event()
    log = DeltaLog(turn_of((thought("hm"), "One", let_go, call("look")), ("Two", " three")))
    first = await read(log, until=2)
    assert [(n, type(change)) for n, change in first] == [(1, Thought), (2, Text)]
    let_go.set()
    rest = await read(log, after=2)
    assert first + rest == list(enumerate(log.deltas, start=1))
    assert [await read(log, after=n) for n in range(len(log.deltas) + 1)] == [
        (first + rest)[n:] for n in range(len(log.deltas) + 1)
    ]


async def test_a_reader_in_the_middle_of_a_batch_does_not_lose_its_end() -> None:
    log = DeltaLog(turn_of((thought("hm"), "One", call("look")), ("Two",)))
    await log.turn.finish()
    first = await read(log, until=1)
    assert first == [(1, Thought("hm", HELPER))]
    assert first + await read(log, after=1) == await read(log)


async def test_a_silent_turn_tells_its_reader_nothing_under_the_last_number() -> None:
    log = DeltaLog(turn_of(("Hel", asyncio.Event())))
    async with aclosing(log.read()) as changes:
        assert await anext(changes) == (1, Text("Hel", HELPER, "open"))
        assert [await anext(changes), await anext(changes)] == [(1, None), (1, None)]
    log.turn.stop()
    assert await read(log, after=1) == [(2, Notice("stopped"))]
