"""How an answer came: what is noted of chunks and events, and how much of it."""

import time
from typing import Any

import pytest
from google.adk.events import Event, EventActions
from google.genai import types

from agent.core.stream_record import MAX_CHUNKS, MAX_EVENTS, Arrivals, StreamRecord


def event(*parts: types.Part, author: str = "helper", **more: Any) -> Event:
    content = types.Content(role="model", parts=list(parts)) if parts else None
    return Event(author=author, content=content, **more)


def text(words: str, thought: bool | None = None) -> types.Part:
    return types.Part(text=words, thought=thought)


@pytest.fixture
def record() -> StreamRecord:
    return StreamRecord(time.monotonic())


def arrived(*texts: tuple[float, int, bool]) -> Arrivals:
    arrivals = Arrivals()
    for at, size, is_thought in texts:
        arrivals.add(at, size, is_thought)
    return arrivals


def test_the_answer_and_the_thoughts_are_counted_apart() -> None:
    arrivals = arrived((0.5, 20, True), (1.0, 3, False), (1.25, 4, False), (3.0, 5, False))
    assert (arrivals.count(), arrivals.characters()) == (3, 12)
    assert (arrivals.count(thoughts=True), arrivals.characters(thoughts=True)) == (1, 20)
    assert arrivals.first_text == 1.0
    assert arrivals.longest_gap == 1.75


def test_what_came_at_once_has_no_gap() -> None:
    assert arrived((1.0, 3, True), (1.0, 4, False)).longest_gap is None
    assert arrived().longest_gap is None
    assert arrived((1.0, 3, True)).first_text is None


def test_a_whole_that_repeats_its_partials_is_no_text_of_its_own(record: StreamRecord) -> None:
    record.add_event(event(text("Hi"), author="user"))
    record.add_event(event(text("Hel"), partial=True))
    record.add_event(event(text("lo"), partial=True))
    record.add_event(event(text("Hello")))
    record.add_event(event(text("Not streamed.")))
    assert [size for _, size, _ in record.texts] == [3, 2, 13]


def test_two_agents_who_speak_at_once_are_told_apart(record: StreamRecord) -> None:
    record.add_event(event(text("Hel"), partial=True))
    record.add_event(event(text("All of mine."), author="other"))
    record.add_event(event(text("Hello")))
    assert [size for _, size, _ in record.texts] == [3, 12]


@pytest.mark.parametrize(
    ("what", "kinds"),
    [
        (event(text("Hm", thought=True), text("Yes")), ("thought", "text")),
        (event(types.Part.from_function_call(name="sky", args={})), ("tool call",)),
        (event(types.Part.from_function_response(name="sky", response={})), ("tool result",)),
        (event(types.Part.from_bytes(data=b"", mime_type="image/png")), ("file",)),
        (event(actions=EventActions(state_delta={"a": 1})), ("state",)),
        (event(actions=EventActions(artifact_delta={"a.txt": 0})), ("file",)),
        (event(actions=EventActions(transfer_to_agent="other")), ("hand-over",)),
        (event(error_code="STOP"), ("error",)),
        (event(), ()),
    ],
)
def test_an_event_is_named_by_what_is_in_it(what: Event, kinds: tuple[str, ...]) -> None:
    record = StreamRecord(0.0)
    record.add_event(what)
    assert record.events[0].kinds == kinds


def test_tokens_are_those_that_the_model_reports(record: StreamRecord) -> None:
    usage = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=7, candidates_token_count=5, thoughts_token_count=3
    )
    record.add_event(event(text("Hi"), usage_metadata=usage))
    record.add_event(event(text("Hi")))
    assert [(row.tokens_in, row.tokens_out) for row in record.events] == [(7, 8), (None, None)]


def test_a_record_is_bounded_and_tells_how_much_it_left_out(record: StreamRecord) -> None:
    for _ in range(MAX_CHUNKS + 3):
        record.add_chunk(1, False)
    for _ in range(MAX_EVENTS + 2):
        record.add_event(event(text("Hi"), partial=True))
    assert (record.chunks.count(), record.chunks.left_out) == (MAX_CHUNKS, 3)
    assert (len(record.events), record.events_left_out) == (MAX_EVENTS, 2)
    assert record.texts.count() == MAX_EVENTS + 2


def test_what_comes_after_the_run_is_no_part_of_the_answer(record: StreamRecord) -> None:
    record.add_chunk(5, False)
    record.end()
    record.add_chunk(100, False)
    assert record.chunks.characters() == 5
    assert record.seconds is not None


def test_all_chunks_are_there_only_where_every_call_was_seen(record: StreamRecord) -> None:
    record.add_event(event(text("Hello")))
    assert not record.has_all_chunks(1)  # Of the offline model nothing comes over HTTP.
    record.responses = 1
    record.add_chunk(4, False)
    assert not record.has_all_chunks(1)  # The answer is longer.
    record.add_chunk(1, False)
    assert record.has_all_chunks(1)
    assert not record.has_all_chunks(2)  # Another model, that is no Gemini, was called too.
