"""What was recorded of Gemini comes again as it came: the same bytes at the same times, and nothing
else. With the real client, and an agent from a folder."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.adk.models import Gemini

from agent.core.question import Options, Question
from agent.core.transcript import answer
from agent.models.recording import Recorder, recorded
from agent.models.replay import Recording, ReplayTransport
from tests.support.app_setup import GEMINI, conversation, notices, say, until
from tests.support.fake_gemini import Close, FakeGemini, Hang, Pause, Signed, Status, Until
from tests.support.recorded_agent import (
    AGENT,
    OWN_CLASS,
    REPLAYED,
    SKY,
    SKY_ANSWER,
    Load,
    codes,
    lines,
    said,
    talk,
)

# The same again


async def test_an_answer_with_a_tool_is_the_same_again_without_a_key_or_a_network(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    for script in SKY_ANSWER:
        gemini.enqueue(*script)
    first = await say(talk(an_agent(RECORD=file)), SKY)
    assert [line["end"] for line in lines(file)] == ["whole", "whole"]
    asked, looked_up = len(gemini.requests), len(gemini.looked_up)

    loaded = an_agent(REPLAY=file, GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:9")
    second = await say(talk(loaded), SKY)
    assert said(second) == said(first)
    assert answer(second) == "I look: It is blue, 空は青い 😀."
    assert codes(second) == REPLAYED
    assert (len(gemini.requests), len(gemini.looked_up)) == (asked, looked_up) == (2, 0)
    assert not loaded.is_offline
    assert not loaded.costs


async def test_a_conversation_goes_on_in_a_recording(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Hello.")
    for script in SKY_ANSWER:
        gemini.enqueue(*script)
    gemini.enqueue("Grey.")
    chat = talk(an_agent(RECORD=file))
    first = [said(await say(chat, text)) for text in ("Hello", SKY, "And tomorrow?")]

    chat = talk(an_agent(REPLAY=file))
    second = [await say(chat, text) for text in ("Hello", SKY, "And tomorrow?")]
    assert [said(transcript) for transcript in second] == first
    assert [codes(transcript) for transcript in second] == [REPLAYED] * 3


async def test_each_chunk_is_the_same_bytes_at_the_same_time(
    gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("One, ", Pause(0.3), "zwei, ", "三, ", Pause(0.2), Signed("four."))
    chat = conversation(recorded(Gemini(model=GEMINI), Recorder(file)))  # type: ignore[arg-type]
    await say(chat, "Count")
    (line,) = lines(file)
    times = [at for at, _ in line["chunks"]]
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.3
    assert line["ended"] >= times[-1]

    now = 100.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    url = f"https://nowhere/v1beta/models/{GEMINI}:streamGenerateContent?alt=sse"
    request = httpx.Request("POST", url, json=gemini.requests[0].body)
    response = await ReplayTransport(Recording(file), lambda: now, sleep).handle_async_request(
        request
    )
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
    assert now == pytest.approx(100 + line["began"])
    came = [(now - 100, chunk) async for chunk in response.aiter_raw()]
    assert [chunk for _, chunk in came] == [text.encode() for _, text in line["chunks"]]
    assert [at for at, _ in came] == pytest.approx(times)
    assert now == pytest.approx(100 + line["ended"])


async def test_a_real_clock_keeps_the_gaps(an_agent: Load, gemini: FakeGemini, file: Path) -> None:
    gemini.enqueue("One, ", Pause(0.6), "two, ", Pause(0.6), "three.")
    await say(talk(an_agent(RECORD=file)), "Count")
    turn = talk(an_agent(REPLAY=file)).ask("Count")
    await turn.finish()
    # As the panel of the page shows it: where the HTTP answer is read.
    assert turn.record.has_all_chunks(1)
    times = list(turn.record.chunks.times)
    assert len(times) == 3
    # A sleep never ends early; on a busy machine it ends late.
    assert times[1] - times[0] > 0.4
    assert times[2] - times[0] > 1.1
    assert [size for _, size, _ in turn.record.chunks] == [5, 5, 6]


async def test_a_character_that_is_cut_by_a_chunk_is_the_same_bytes_again(file: Path) -> None:
    whole = 'data: {"candidates": [{"content": {"parts": [{"text": "😀"}]}}]}\n\n'.encode()
    cut = whole.index("😀".encode()) + 1
    pieces = [whole[:cut], whole[cut : cut + 1], whole[cut + 1 :]]

    async def body() -> Any:
        for piece in pieces:
            yield piece

    def answered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    recorder = Recorder(file)
    hooks: Any = {"request": [recorder.note_request], "response": [recorder.note_response]}
    url = "https://nowhere/models/m:streamGenerateContent"
    asked: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    transport = httpx.MockTransport(answered)
    async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as client:
        assert (await client.post(url, json=asked)).content == whole
    request = httpx.Request("POST", url, json=asked)
    response = await ReplayTransport(Recording(file)).handle_async_request(request)
    assert [piece async for piece in response.aiter_raw()] == pieces


async def test_recording_holds_up_nothing(an_agent: Load, gemini: FakeGemini, file: Path) -> None:
    gate = threading.Event()
    gemini.enqueue("Half, ", Until(gate), "and half.")
    turn = talk(an_agent(RECORD=file)).ask("Hello")
    await until(turn, "Half, ")
    gate.set()
    assert answer(await turn.finish()) == "Half, and half."


async def test_an_answer_in_one_piece_is_one_of_its_own(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Streamed.")
    gemini.enqueue("Whole.")
    loaded = an_agent(RECORD=file)
    await say(talk(loaded), "Hello")
    whole = Question("Hello", options=Options(streaming=False))
    await talk(loaded).ask(whole).finish()
    loaded = an_agent(REPLAY=file)
    assert answer(await talk(loaded).ask(whole).finish()) == "Whole."
    assert answer(await say(talk(loaded), "Hello")) == "Streamed."


# Several answers to the same


async def test_equal_questions_get_their_answers_in_order_and_then_again_from_the_first(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("First.")
    gemini.enqueue("Second.")
    loaded = an_agent(RECORD=file)
    for _ in range(2):
        await say(talk(loaded), "Hello")
    loaded = an_agent(REPLAY=file)
    assert [answer(await say(talk(loaded), "Hello")) for _ in range(3)] == [
        *("First.", "Second.", "First.")
    ]


async def test_a_retried_question_gets_the_next_answer(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("First.")
    gemini.enqueue("Second.")
    chat = talk(an_agent(RECORD=file))
    await say(chat, "Hello")
    await say(chat, "Hello", kept=0)
    chat = talk(an_agent(REPLAY=file))
    assert answer(await say(chat, "Hello")) == "First."
    assert answer(await say(chat, "Hello", kept=0)) == "Second."


async def test_twenty_visitors_at_once_each_get_a_whole_answer(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    for script in SKY_ANSWER:
        gemini.enqueue(*script)
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    for script in SKY_ANSWER:
        gemini.enqueue(*script)
    loaded = an_agent(RECORD=file)
    first = await say(talk(loaded), SKY)
    second = await say(talk(loaded), SKY)
    assert [line["status"] for line in lines(file)] == [200, 200, 503, 200, 200]

    loaded = an_agent(REPLAY=file)
    transcripts = await asyncio.gather(*(say(talk(loaded), SKY) for _ in range(20)))
    # Its tool counts how often it was called, for all of them.
    texts = [answer(transcript) for transcript in transcripts]
    assert texts == [answer(first), answer(second)] * 10 == [answer(first)] * 20
    assert len(gemini.requests) == 5


async def test_twenty_visitors_at_once_are_recorded_apart(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    questions = [f"visitor {number}" for number in range(20)]
    for text in questions:
        gemini.reply_to(text, "Hello, ", Pause(0.05), f"{text}.")
    loaded = an_agent(RECORD=file)
    await asyncio.gather(*(say(talk(loaded), text) for text in questions))
    assert sorted(line["question"] for line in lines(file)) == sorted(questions)
    loaded = an_agent(REPLAY=file)
    transcripts = await asyncio.gather(*(say(talk(loaded), text) for text in questions))
    assert [answer(transcript) for transcript in transcripts] == [
        f"Hello, {text}." for text in questions
    ]


# What fails


async def test_a_busy_model_is_busy_again_and_a_retry_goes_on_as_it_did(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    busy = Status(429, "RESOURCE_EXHAUSTED", "Quota.", retry_after=7)
    gemini.enqueue(busy)
    gemini.enqueue("At last.")
    gemini.enqueue(busy)
    loaded = an_agent(RECORD=file)
    assert answer(await say(talk(loaded, request_retries=1), "Hello")) == "At last."
    failed = await say(talk(loaded, request_retries=0), "Hello")
    assert notices(failed) == [
        "The AI service is busy, or its free limit is used up. Please wait 7 "
        "seconds, then try again."
    ]
    assert [line["status"] for line in lines(file)] == [429, 200, 429]

    loaded = an_agent(REPLAY=file)
    assert answer(await say(talk(loaded, request_retries=1), "Hello")) == "At last."
    # Now it failed for good, however often it is asked.
    assert said(await say(talk(loaded, request_retries=2), "Hello")) == said(failed)


async def test_a_stream_that_broke_off_breaks_off_again(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Half of", Close())
    first = await say(talk(an_agent(RECORD=file), request_retries=0), "Hello")
    assert lines(file)[0]["end"] == "RemoteProtocolError"
    second = await say(talk(an_agent(REPLAY=file), request_retries=0), "Hello")
    assert said(second) == said(first)
    assert answer(second) == "Half of"
    assert codes(second)[-1] == "connection_broken"


async def test_a_stopped_answer_is_kept_up_to_there_and_ends_there(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Half of", Hang())
    turn = talk(an_agent(RECORD=file)).ask("Hello")
    await until(turn, "Half of")
    turn.stop()
    await turn.finish()
    assert gemini.requests[0].left.wait(20)
    assert [line["end"] for line in lines(file)] == ["left"]
    second = await say(talk(an_agent(REPLAY=file)), "Hello")
    assert answer(second) == "Half of"
    assert codes(second) == ["replayed", "recording_ends"]


# What is not in it


async def test_what_is_not_in_it_gets_a_sentence_that_names_what_is(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Hello.")
    gemini.enqueue("Fine.")
    chat = talk(an_agent(RECORD=file))
    await say(chat, "Hello")
    await say(chat, "How are you?")

    loaded = an_agent(REPLAY=file)
    assert loaded.examples == ("Hello",)
    chat = talk(loaded)
    assert notices(await say(chat, "Tell me a joke")) == [
        "This page plays a recording, and nobody can answer what is not in it. What it has here: "
        "“Hello”."
    ]
    # The chat goes on: what got no answer is not in the way.
    assert answer(await say(chat, "Hello")) == "Hello."
    other = await say(chat, "And the weather?")
    assert notices(other)[0].endswith("What it has here: “How are you?”.")
    assert answer(await say(chat, "How are you?")) == "Fine."
    assert codes(await say(chat, "And now?")) == ["not_recorded"]
    assert len(gemini.requests) == 2


async def test_a_changed_agent_gets_no_answer_and_the_host_reads_why(
    an_agent: Load, gemini: FakeGemini, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.enqueue("Hello.")
    await say(talk(an_agent(RECORD=file)), "Hello")
    changed = AGENT.replace("Secret instruction.", "Another one.")
    told = await say(talk(an_agent(changed, REPLAY=file)), "Hello")
    assert codes(told) == ["not_recorded_but"]
    assert f"{file} has this conversation with another instruction." in caplog.messages


async def test_an_instruction_may_tell_another_time(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Hello.")
    monday = AGENT.replace("Secret instruction.", "It is Monday, 30 November 2026, 17:04.")
    await say(talk(an_agent(monday, RECORD=file)), "Hello")
    friday = AGENT.replace("Secret instruction.", "It is Friday, 1 January 2027, 9:30.")
    assert answer(await say(talk(an_agent(friday, REPLAY=file)), "Hello")) == "Hello."


async def test_other_results_of_a_tool_are_told(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    for script in SKY_ANSWER:
        gemini.enqueue(*script)
    await say(talk(an_agent(RECORD=file)), SKY)
    grey = AGENT.replace('"blue"', '"grey"')
    told = await say(talk(an_agent(grey, REPLAY=file)), SKY)
    assert codes(told) == ["replayed", "other_results"]
    assert answer(told) == "I look: It is blue, 空は青い 😀."


async def test_a_model_that_is_no_gemini_is_never_asked_in_a_replay(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Hello.")
    await say(talk(an_agent(RECORD=file)), "Hello")
    own = (
        AGENT.replace('model="gemini-3.5-flash"', "model=Own(model='own')")
        + """
    from google.adk.models import BaseLlm
    """
    )
    own = OWN_CLASS + own
    assert codes(await say(talk(an_agent(own, REPLAY=file)), "Hello")) == ["not_recorded"]


async def test_an_agent_that_is_made_while_another_runs_plays_it_too(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    late = """
        from google.adk.agents import Agent, BaseAgent

        class Maker(BaseAgent):
            async def _run_async_impl(self, context):
                made = Agent(name="made", model="gemini-3.5-flash")
                async for event in made.run_async(context):
                    yield event

        root_agent = Maker(name="maker", description="Makes.")
    """
    gemini.enqueue("Hello.")
    await say(talk(an_agent(late, RECORD=file)), "Hello")
    assert [line["question"] for line in lines(file)] == ["Hello"]
    second = await say(talk(an_agent(late, REPLAY=file)), "Hello")
    assert (answer(second), len(gemini.requests)) == ("Hello.", 1)
