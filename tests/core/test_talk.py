"""A talk's transcript: from ADK's events as they come, and from those that its session keeps."""

from itertools import accumulate
from typing import Any

from google.adk.events import Event
from google.genai import types

from agent.core import talk
from agent.core.history import TurnRecord, latest_since, turn_records
from agent.core.said import Said
from agent.core.transcript import Text, Transcript
from agent.render.messages import to_page
from tests.support.events import chunk, text, whole

TALK = "e-1"


def heard(words: str, is_final: bool = True, at: float = 0.0) -> Event:
    said = types.Transcription(text=words, finished=is_final)
    event = Event(author="user", input_transcription=said, partial=not is_final, timestamp=at)
    event.invocation_id = TALK
    return event


def spoken(words: str, is_final: bool = True) -> Event:
    said = types.Transcription(text=words, finished=is_final)
    return Event(
        author="helper", output_transcription=said, partial=not is_final, invocation_id=TALK
    )


def typed(words: str) -> Event:
    return Event(author="user", content=types.UserContent(words), invocation_id=TALK)


def control(**what: Any) -> Event:
    return Event(author="helper", invocation_id=TALK, **what)


def begin(is_unanswered: bool = False) -> Event:
    return talk.begin_event(TALK, "helper", is_unanswered, {})


def last(*events: Event) -> Transcript:
    return list(accumulate(events, talk.add, initial=Transcript()))[-1]


def test_words_grow_as_they_are_spoken_and_end_as_a_whole() -> None:
    sound = types.Part(inline_data=types.Blob(mime_type="audio/pcm;rate=24000", data=b"\0\0"))
    events = [
        *(heard("What ", False), heard("time?", False), spoken("It is ", False), whole(sound)),
        *(spoken("noon.", False), heard("What time?"), spoken("It is noon.")),
        control(turn_complete=True),
    ]
    snapshots = list(accumulate(events, talk.add, initial=Transcript()))
    growing = Said("What time?", is_final=False)
    assert snapshots[3] == (growing, text("It is ", "open"))
    assert snapshots[4] == snapshots[3]
    assert snapshots[5] == (growing, text("It is noon.", "open"))
    assert snapshots[-1] == (Said("What time?"), text("It is noon."))


def test_what_a_person_says_in_pieces_is_one_saying() -> None:
    assert last(heard("What "), heard("time?"), typed("Now!")) == (
        Said("What time?"),
        Said("Now!", is_typed=True),
    )


def test_an_answer_that_was_cut_stands_above_what_has_cut_it_also_where_it_is_stored_later() -> (
    None
):
    live = [typed("A story"), spoken("Once ", False), typed("Stop!"), spoken("Once ")]
    stored = [typed("A story"), typed("Stop!"), spoken("Once ")]
    for events in (live, stored):
        assert last(*events, control(interrupted=True), spoken("Bye.")) == (
            *(Said("A story", is_typed=True), text("Once ")),
            *(Said("Stop!", is_typed=True), text("Bye.")),
        )


def test_an_answer_whose_whole_never_came_stays_beside_the_next_one() -> None:
    events = [spoken("Once ", False), control(turn_complete=True), chunk("Bye"), whole("Bye.")]
    assert last(*events) == (text("Once ", "cut"), text("Bye."))


def test_a_talk_is_one_turn_also_where_its_first_event_is_a_tools_and_undo_takes_it() -> None:
    call = types.Part.from_function_call(name="look", args={})
    before = [
        Event(author="user", content=types.UserContent("Hello"), invocation_id="e-0"),
        Event(author="helper", content=types.ModelContent("Hi"), invocation_id="e-0"),
    ]
    tool = control(content=types.Content(role="model", parts=[call]))
    said = [begin(is_unanswered=True), tool, heard("Look!"), spoken("I see."), typed("And?")]
    first, second = turn_records([*before, *said])
    assert (first.question, first.transcript) == ("Hello", (Text("Hi", ("helper", None)),))
    assert (second.id, second.question, second.events) == (TALK, "Look!", 5)
    assert second.transcript[1:] == (text("I see."), Said("And?", is_typed=True))
    rewind = Event(author="user", invocation_id="e-2")
    rewind.actions.rewind_before_invocation_id = TALK
    assert turn_records([*before, *said, rewind]) == [first]


def test_of_a_talk_that_is_too_long_the_model_is_shown_its_end() -> None:
    times = tuple(float(number) for number in range(100, 150))
    long_talk = TurnRecord(TALK, "", events=200, asked_at=99.0, said_at=times)
    later = TurnRecord("e-2", "", events=20, asked_at=200.0)
    assert latest_since([long_talk, later], 100) == 130.0
    assert latest_since([long_talk], 100) == 125.0
    assert latest_since([long_talk, later], 22) == 200.0
    assert latest_since([long_talk], 400) == 99.0


def test_a_page_shows_what_was_said_as_a_quotation_that_holds_no_markdown() -> None:
    (record,) = turn_records([begin(), heard("Hi"), spoken("Hello."), typed("<b>*Look*</b>\n# Me")])
    shown = [message["content"]["text"] for message in to_page([record], "helper")]
    assert shown[:2] == ["Hi", "Hello."]
    quoted = "> &#60;b&#62;&#42;Look&#42;&#60;&#47;b&#62;\n> &#35; Me"
    assert shown[2] == quoted
