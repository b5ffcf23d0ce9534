"""The fold from ADK events to a transcript: whole streams, each stated as one literal."""

from copy import deepcopy
from itertools import groupby, pairwise

from google.adk.events import Event, EventActions
from google.adk.events.ui_widget import UiWidget
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from agent.core.files import File
from agent.core.pauses import Pause, Reply
from agent.core.text import clean
from agent.core.transcript import (
    CODE,
    Entry,
    Notice,
    Text,
    Thought,
    ToolCall,
    Transcript,
    add,
    answer,
    busy_with_tools,
    close,
    unstored,
)
from tests.support.events import (
    HELPER,
    as_part,
    bare,
    chunk,
    code,
    error,
    image,
    last,
    outcome,
    result,
    text,
    thinks,
    tool,
    transcripts,
    whole,
)
from tests.support.scripted_model import call, thought

# One agent


def test_partials_grow_one_text_and_the_whole_replaces_it() -> None:
    assert transcripts(chunk("Hel"), chunk("lo"), whole("Hello")) == [
        (text("Hel", "open"),),
        (text("Hello", "open"),),
        (text("Hello"),),
    ]


def test_a_whole_without_partials_stands_by_itself() -> None:
    assert transcripts(whole("Hello")) == [(text("Hello"),)]


def test_each_whole_begins_anew() -> None:
    assert transcripts(chunk("a"), whole("a"), chunk("b"), whole("b"))[1:] == [
        (text("a"),),
        (text("a"), text("b", "open")),
        (text("a"), text("b")),
    ]


def test_thoughts_stand_apart_from_the_answer() -> None:
    assert transcripts(
        chunk(thought("h")), chunk(thought("m")), chunk("Hi"), whole(thought("hm"), "Hi")
    ) == [
        (thinks("h", "open"),),
        (thinks("hm", "open"),),
        (thinks("hm", "open"), text("Hi", "open")),
        (thinks("hm"), text("Hi")),
    ]


def test_a_thought_and_a_text_in_one_chunk_are_two_entries() -> None:
    both = chunk(thought("hm"), "Hi")
    assert last(both) == (thinks("hm", "open"), text("Hi", "open"))


def test_a_thought_between_texts_keeps_its_place() -> None:
    chunks = chunk("a"), chunk(thought("hm")), chunk("b")
    assert last(*chunks, whole("a", thought("hm"), "b")) == (text("a"), thinks("hm"), text("b"))


def test_neighbouring_texts_of_a_whole_are_one() -> None:
    assert last(whole("Hel", "lo", thought("h"), thought("m"))) == (text("Hello"), thinks("hm"))


def test_an_empty_chunk_adds_nothing() -> None:
    assert transcripts(chunk(""), chunk()) == [(), ()]


def test_a_model_of_partials_alone_stays_open() -> None:
    assert transcripts(chunk("Hel"), chunk("lo"))[-1] == (text("Hello", "open"),)


# Tools


def test_text_tool_and_text_stay_in_order() -> None:
    assert transcripts(
        chunk("Look: "),
        whole("Look: ", call("get_time"), at=10),
        whole(result("call-1", time="noon"), at=12.5),
        chunk("No"),
        whole("Noon."),
    ) == [
        (text("Look: ", "open"),),
        (text("Look: "), tool(began=10)),
        (text("Look: "), noon := tool(began=10, result={"time": "noon"}, seconds=2.5)),
        (text("Look: "), noon, text("No", "open")),
        (text("Look: "), noon, text("Noon.")),
    ]


def test_a_call_in_a_partial_waits_for_the_whole() -> None:
    assert transcripts(chunk(call("get_time", id="preview")), whole(call("get_time"))) == [
        (),
        (tool(),),
    ]


def test_a_call_keeps_its_arguments() -> None:
    (entry,) = last(whole(call("get_time", city="Oslo", hours=[1, 2])))
    assert entry == ToolCall("call-1", "get_time", {"city": "Oslo", "hours": [1, 2]}, HELPER)


def test_parallel_calls_are_paired_by_id_in_any_order() -> None:
    calls = whole(call("get_time", id="a"), call("get_time", id="b"))
    answers = whole(result("b", n=2), result("a", n=1), at=3)
    assert last(calls, answers) == (
        tool("a", result={"n": 1}, seconds=3),
        tool("b", result={"n": 2}, seconds=3),
    )


def test_parallel_calls_may_answer_one_by_one() -> None:
    calls = whole(call("get_time", id="a"), call("get_time", id="b"))
    assert transcripts(calls, whole(result("b", n=2), at=1), whole(result("a", n=1), at=2))[1:] == [
        (tool("a"), tool("b", result={"n": 2}, seconds=1)),
        (tool("a", result={"n": 1}, seconds=2), tool("b", result={"n": 2}, seconds=1)),
    ]


def test_an_answer_to_no_known_call_is_left_out() -> None:
    assert last(whole(call("get_time")), whole(result("other", n=1))) == (tool(),)


def test_the_time_in_which_a_person_is_waited_for_is_not_the_tools() -> None:
    original = {"id": "call-1", "name": "get_time", "args": {}}
    args = {"originalFunctionCall": original, "toolConfirmation": {"hint": "Well?"}}
    confirmation = call("adk_request_confirmation", id="ask", **args)
    (_, waiting), (done, asked) = transcripts(
        whole(call("get_time")),
        whole(confirmation, at=1, long_running_tool_ids={"ask"}),
        whole(
            result("ask", "adk_request_confirmation", confirmed=True), at=60, source=("user", None)
        ),
        whole(result("call-1", n=1), at=62),
    )[1::2]
    assert isinstance(waiting, Pause)
    assert (waiting.reply, waiting.message) == (None, "Well?")
    assert isinstance(asked, Pause)
    assert asked.reply == Reply()
    assert done == tool(result={"n": 1}, seconds=2, began=60)


def test_a_long_running_tool_gives_a_ticket_and_a_program_the_result() -> None:
    asked = whole(call("get_time"), long_running_tool_ids={"call-1"})
    first = whole(result("call-1", n=1), at=1)
    second = whole(result("call-1", n=2), at=60, source=("user", None))
    assert transcripts(asked, first, second) == [
        (tool(waits_for="program"),),
        (tool(result={"n": 1}, seconds=1, waits_for="program"),),
        (tool(result={"n": 2}, seconds=60),),
    ]


def test_a_tool_whose_clock_ran_back_took_no_time() -> None:
    asked, answered = whole(call("get_time"), at=10), whole(result("call-1", n=1), at=9)
    assert last(asked, answered) == (tool(began=10, result={"n": 1}, seconds=0.0),)


def test_a_tool_that_answers_leaves_the_text_beside_it_open() -> None:
    events = whole(call("get_time")), chunk("Meanwhile"), whole(result("call-1", n=1))
    assert last(*events) == (tool(result={"n": 1}, seconds=0.0), text("Meanwhile", "open"))


def test_code_that_the_model_runs_is_a_tool_with_its_result() -> None:
    assert last(chunk("So: "), whole("So: ", code("1+1"), outcome("2\n"), "Two.")) == (
        text("So: "),
        ToolCall("", CODE, {"code": "1+1"}, HELPER, result="2\n", seconds=0.0),
        text("Two."),
    )


def test_code_and_its_result_may_come_in_two_events() -> None:
    assert transcripts(whole(code("1+1"), at=1), whole(outcome("2"), at=3)) == [
        (ToolCall("", CODE, {"code": "1+1"}, HELPER, began=1),),
        (ToolCall("", CODE, {"code": "1+1"}, HELPER, began=1, result="2", seconds=2),),
    ]


def test_each_code_has_its_own_result() -> None:
    assert last(whole(code("1+1"), outcome("2"), code("2+2"), outcome("4"))) == (
        ToolCall("", CODE, {"code": "1+1"}, HELPER, result="2", seconds=0.0),
        ToolCall("", CODE, {"code": "2+2"}, HELPER, result="4", seconds=0.0),
    )


def test_results_without_ids_come_in_the_order_of_the_codes() -> None:
    assert last(whole(code("1+1"), code("2+2")), whole(outcome("2"), outcome("4"))) == (
        ToolCall("", CODE, {"code": "1+1"}, HELPER, result="2", seconds=0.0),
        ToolCall("", CODE, {"code": "2+2"}, HELPER, result="4", seconds=0.0),
    )


def test_a_result_without_an_id_belongs_to_the_same_agents_code() -> None:
    other = ("other", None)
    assert last(whole(code("1+1")), whole(code("2+2"), outcome("4"), source=other)) == (
        ToolCall("", CODE, {"code": "1+1"}, HELPER),
        ToolCall("", CODE, {"code": "2+2"}, other, result="4", seconds=0.0),
    )


def test_codes_with_ids_are_paired_by_them() -> None:
    assert last(whole(code("a", "1"), code("b", "2")), whole(outcome("B", "2"))) == (
        ToolCall("1", CODE, {"code": "a"}, HELPER),
        ToolCall("2", CODE, {"code": "b"}, HELPER, result="B", seconds=0.0),
    )


def test_code_that_failed_is_told_so() -> None:
    failed = types.CodeExecutionResult(outcome=types.Outcome.OUTCOME_FAILED, output="ZeroDivision")
    said = last(whole(code("1/0")), whole(types.Part(code_execution_result=failed)))
    assert said == (
        ToolCall("", CODE, {"code": "1/0"}, HELPER, result={"error": "ZeroDivision"}, seconds=0.0),
    )


# Widgets


def test_a_widget_is_told_of_and_what_its_tool_says_is_not_dropped() -> None:
    widget = UiWidget(id="w", provider="mcp", payload={"resource_uri": "ui://map"})
    draws = EventActions(render_ui_widgets=[widget], skip_summarization=True)
    said = last(whole(call("get_time", "1")), whole(result("1", result="noon"), actions=draws))
    assert said[1:] == (Notice("widget"), Text("noon", HELPER, form="result"))


# Pictures


def test_an_image_between_texts_stands_between_them() -> None:
    assert last(chunk("a"), chunk(image(b"P")), chunk("b"), whole("a", image(b"P"), "b")) == (
        text("a"),
        File("image/png", b"P", HELPER),
        text("b"),
    )


# Several agents


def test_two_agents_at_once_are_told_apart_by_author() -> None:
    ann, bob = ("ann", "par.ann"), ("bob", "par.bob")
    assert transcripts(
        chunk("A", source=ann),
        chunk("B", source=bob),
        chunk("a", source=ann),
        whole("Bb", source=bob),
        whole("Aa", source=ann),
    ) == [
        (text("A", "open", ann),),
        (text("A", "open", ann), text("B", "open", bob)),
        (text("Aa", "open", ann), text("B", "open", bob)),
        (text("Aa", "open", ann), text("Bb", "final", bob)),
        (text("Aa", "final", ann), text("Bb", "final", bob)),
    ]


def test_one_agent_in_two_branches_is_told_apart_by_branch() -> None:
    left, right = ("ann", "left"), ("ann", "right")
    assert last(
        chunk("L", source=left),
        chunk("R", source=right),
        whole("Rr", source=right),
        chunk("l", source=left),
    ) == (text("Ll", "open", left), text("Rr", "final", right))


def test_an_error_of_one_agent_cuts_only_its_own_text() -> None:
    other = ("other", None)
    events = chunk("mine"), chunk("yours", source=other), error(source=other)
    assert last(*events) == (text("mine", "open"), text("yours", "cut", other))


# Callbacks


def test_a_callback_that_redacts_the_whole_is_obeyed() -> None:
    assert last(chunk("The key is 1234"), whole("The key is ****")) == (text("The key is ****"),)


def test_a_callback_that_blanks_the_whole_is_obeyed() -> None:
    assert last(chunk(thought("hm")), chunk("secret"), whole()) == ()


# Errors


def test_an_error_cuts_what_is_open() -> None:
    events = chunk(thought("hm")), chunk("Hel"), error()
    assert last(*events) == (thinks("hm", "cut"), text("Hel", "cut"))


def test_an_error_leaves_what_is_final() -> None:
    assert last(whole("Hello"), error()) == (text("Hello"),)


def test_a_retry_after_an_error_supersedes_the_first_attempt() -> None:
    assert transcripts(chunk("Hel"), error(), chunk("Good"), whole("Good day")) == [
        (text("Hel", "open"),),
        (text("Hel", "cut"),),
        (text("Good", "open"),),
        (text("Good day"),),
    ]


def test_a_retry_without_partials_supersedes_the_first_attempt() -> None:
    assert last(chunk("Hel"), error(), whole("Good day")) == (text("Good day"),)


def test_a_retry_keeps_the_steps_before_the_one_that_failed() -> None:
    steps = whole(call("get_time")), whole(result("call-1", n=1)), chunk("No"), error()
    done = tool(result={"n": 1}, seconds=0.0)
    assert last(*steps, whole("Noon.")) == (done, text("Noon."))


def test_a_final_failure_keeps_the_cut_text() -> None:
    assert last(chunk("Hel"), error(), error()) == (text("Hel", "cut"),)


def test_a_whole_with_an_error_code_is_still_the_whole() -> None:
    assert last(chunk("Hel"), whole("Hello", error_code="MAX_TOKENS")) == (text("Hello"),)


def test_a_blocked_prompt_says_nothing() -> None:
    code = "PROHIBITED_CONTENT"
    assert transcripts(bare(partial=True, error_code=code), error(code)) == [(), ()]


def test_the_event_that_seals_a_stopped_run_cuts_the_text() -> None:
    aborted = bare(error_code="INVOCATION_ABORTED", error_message="Invocation aborted.")
    assert last(chunk("Hel"), aborted) == (text("Hel", "cut"),)


def test_the_event_that_seals_a_stopped_tool_answers_its_call() -> None:
    why = {"error": "Invocation aborted."}
    sealed = whole(result("call-1", **why), at=2, error_code="INVOCATION_ABORTED")
    assert last(whole(call("get_time")), sealed) == (tool(result=why, seconds=2),)


# What is no part of the answer


def test_the_users_own_events_are_ignored() -> None:
    user = ("user", None)
    events = whole("Hi", source=user), chunk("Hi", source=user), bare(user, error_code="X")
    assert transcripts(*events) == [(), (), ()]


def test_an_event_of_state_alone_changes_nothing() -> None:
    state = bare(actions=EventActions(state_delta={"n": 1}))
    assert transcripts(chunk("Hel"), state, chunk("lo"))[1:] == [
        (text("Hel", "open"),),
        (text("Hello", "open"),),
    ]


def test_a_notice_stays_where_it_is() -> None:
    notice = Notice("A note.")
    assert add(add((notice,), chunk("Hel")), whole("Hello")) == (notice, text("Hello"))


# The end of a turn


def test_the_answer_is_the_text_of_all_agents_alone() -> None:
    other = text(" B", source=("other", None))
    assert answer((thinks("hm"), text("A"), tool(), other, Notice("A note."))) == "A\n\n B"
    assert answer(()) == ""


def test_unstored_is_the_text_whose_whole_never_came() -> None:
    transcript = thinks("hm", "cut"), text("a"), tool(), text("b", "cut"), text("c", "open")
    assert unstored(transcript) == [text("b", "cut"), text("c", "open")]


def test_a_turn_is_busy_while_any_tool_has_not_answered() -> None:
    done = tool(result=None, seconds=0.0)
    assert [busy_with_tools(t) for t in ((tool(), done), (done,), (text("a", "open"),), ())] == [
        True,
        False,
        False,
        False,
    ]


def test_closing_answers_for_the_tools_that_did_not() -> None:
    done, late = tool("a", result={"n": 1}, seconds=2.0), tool("b", began=5)
    closed = close((text("Hi"), done, late))
    said = {"error": "It had not answered when the turn ended."}
    assert closed == (text("Hi"), done, tool("b", began=5, result=said, seconds=0.0))
    assert not busy_with_tools(closed)


def test_closing_leaves_nothing_open() -> None:
    closed = close((thinks("hm", "open"), text("Hel", "open")))
    assert closed == (thinks("hm", "cut"), text("Hel", "cut"))


# Characters


def test_clean_replaces_halves_of_a_character() -> None:
    dirty = ["\ud83d", "a\ud83d", "\ude00b", "\ude00\ud83d", "\ud83dx\ude00"]
    assert [clean(text) for text in dirty] == ["�", "a�", "�b", "��", "�x�"]


def test_clean_joins_a_pair_that_came_in_two_strings() -> None:
    assert clean("\ud83d" + "\ude00") == "😀"


def test_clean_drops_nuls() -> None:
    assert clean("a\0b\0") == "ab"


def test_clean_leaves_every_other_text_alone() -> None:
    texts = [
        "",
        "\ufeffa",
        "👩‍🚀🏳️‍🌈",
        "\u202bعربي\u202c עברית",
        "日本語",
        "\t a \r\n ",
        "\x1b[0m\x7f",
    ]
    assert [clean(text) for text in texts] == texts


@given(st.text(st.characters()))
def test_what_clean_gives_can_always_be_sent(text: str) -> None:
    assert clean(text).encode().decode() == clean(clean(text)) == clean(text)
    assert "\0" not in clean(text)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_clean_leaves_every_whole_text_alone(text: str) -> None:
    assert clean(text) == text


# Properties: a stream is thoughts and texts, cut anywhere.

Chunks = list[tuple[bool, str]]

chunks = st.lists(st.tuples(st.booleans(), st.text(min_size=1)), min_size=1)


def streamed(pieces: Chunks) -> list[Event]:
    return [chunk(types.Part(text=text, thought=is_thought)) for is_thought, text in pieces]


def uncut(pieces: Chunks) -> Event:
    """The whole that follows such chunks."""
    runs = groupby(pieces, key=lambda piece: piece[0])
    joined = [(kind, "".join(text for _, text in run)) for kind, run in runs]
    return whole(*(types.Part(text=text, thought=is_thought) for is_thought, text in joined))


def words(transcript: Transcript) -> list[tuple[type[Entry], str]]:
    return [(type(e), e.text) for e in transcript if isinstance(e, Text | Thought)]


@given(chunks)
def test_a_stream_cut_anywhere_folds_to_the_same_as_uncut(pieces: Chunks) -> None:
    assert last(*streamed(pieces), uncut(pieces)) == last(uncut(pieces))


@given(chunks)
def test_what_is_shown_before_the_whole_comes_is_already_the_whole(pieces: Chunks) -> None:
    assert words(last(*streamed(pieces))) == words(last(uncut(pieces)))


@given(chunks)
def test_the_answer_only_grows(pieces: Chunks) -> None:
    answers = [answer(t) for t in transcripts(*streamed(pieces), uncut(pieces))]
    assert all(later.startswith(earlier) for earlier, later in pairwise(answers))


# Properties: any events at all, from two agents at once.

sources = st.sampled_from([HELPER, ("helper", "branch"), ("other", None)])
ids = st.sampled_from(["1", "2"])
parts = st.one_of(
    st.text().map(as_part),
    st.text().map(thought),
    ids.map(lambda id: call("get_time", id=id, city="Oslo")),
    ids.map(lambda id: result(id, n=id)),
    st.sampled_from([image(b"P"), code("1+1"), outcome("2")]),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    source = draw(sources)
    if draw(st.booleans()):
        return draw(st.sampled_from([error(source=source), bare(source)]))
    return whole(*draw(st.lists(parts)), source=source, partial=draw(st.booleans()))


@given(st.lists(events(), min_size=1))
def test_no_snapshot_ever_changes_afterwards(stream: list[Event]) -> None:
    transcript, kept, copies = Transcript(), [], []
    for event in stream:
        transcript = add(transcript, event)
        kept.append(transcript)
        copies.append(deepcopy(transcript))
    assert kept == copies


@given(st.lists(events(), min_size=1))
def test_no_agent_changes_the_words_of_another(stream: list[Event]) -> None:
    snapshots = pairwise([(), *transcripts(*stream)])
    for event, (before, after) in zip(stream, snapshots, strict=True):
        assert _others(before, event) == _others(after, event)


def _others(transcript: Transcript, event: Event) -> list[Entry]:
    """The thoughts and texts of those who did not make this event."""
    own = (event.author, event.branch)
    return [e for e in transcript if isinstance(e, Text | Thought) and e.source != own]
