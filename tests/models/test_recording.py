"""What Gemini answers is recorded as it came, and played back so: with the real client, an agent from
a folder, and a server that speaks as Gemini does."""

import asyncio
import json
import logging
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest
from google.adk.models import Gemini
from google.auth.credentials import AnonymousCredentials
from google.genai import Client, types

from agent.chat import recordings
from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent, load
from agent.chat.recordings import Tape
from agent.core.notices import Notice
from agent.core.question import Options, Question
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer
from agent.models.coalescing import coalescing
from agent.models.recording import Recorder, RecordingError, recorded
from agent.models.replay import Recording, ReplayTransport, replayed
from tests.support.app_setup import GEMINI, conversation, notices, outline, say, until
from tests.support.fake_gemini import (
    Call,
    Close,
    FakeGemini,
    Hang,
    Pause,
    Signed,
    Status,
    Think,
    Until,
)

KEY = "test-key-of-nobody"

AGENT = """
    from google.adk.agents import Agent

    COUNT = []

    def look(city: str) -> dict:
        "Look at the sky."
        COUNT.append(city)
        return {"sky": "blue", "looks": len(COUNT)}

    EXAMPLES = ["Hello", "What is the sky like?"]
    root_agent = Agent(
        name="watcher", model="gemini-3.5-flash", description="Looks.", tools=[look],
        instruction="Secret instruction.",
    )
"""

# A question, and its answer of two requests: with a thought, a call with an id, a signature, and
# characters of several bytes.
SKY = "What is the sky like?"
SKY_ANSWER = (
    (Think("Hm. "), "I look: ", Call("look", {"city": "Oslo"}, id="call-7")),
    ("It is ", Signed("blue, "), "空は", Pause(0.2), "青い 😀."),
)

Load = Callable[..., LoadedAgent]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recording.jsonl"


@pytest.fixture
def an_agent(
    tmp_path: Path, clean_imports: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Load]:
    """Loads the agent of a folder, as in a new process with these environment variables."""
    number = 0

    def load_it(text: str = AGENT, **environment: Any) -> LoadedAgent:
        nonlocal number
        number += 1
        for cached in (recordings.open_recorder, recordings.open_recording):
            cached.cache_clear()
        for name in ("RECORD", "REPLAY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        if "REPLAY" in environment:
            monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
        path = tmp_path / f"loading_test_recording_{number}" / "watcher"
        path.mkdir(parents=True)
        (path / "agent.py").write_text(dedent(text))
        monkeypatch.setenv("SESSION_DB", "memory://")
        return load(path, coalesce=True)

    yield load_it
    recordings._tell_not_recorded.cache_clear()


def talk(loaded: LoadedAgent, **settings: Any) -> Conversation:
    return Conversation(loaded.runner, Settings(**settings))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def said(transcript: Transcript) -> list[object]:
    """All of a transcript but what tells of the recording."""
    return [
        outline(entry)
        for entry in transcript
        if not (isinstance(entry, Notice) and entry.code in ("replayed", "other_results"))
    ]


def codes(transcript: Transcript) -> list[str]:
    return [entry.code for entry in transcript if isinstance(entry, Notice)]


REPLAYED = ["replayed"]


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
    assert times[-1] - times[0] >= 0.5
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
    pieces = [whole[:60], whole[60:61], whole[61:62], whole[62:]]
    assert any(
        piece.decode(errors="replace").count("\N{REPLACEMENT CHARACTER}") for piece in pieces
    )

    async def body() -> Any:
        for piece in pieces:
            yield piece

    def answered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    recorder = Recorder(file)
    hooks = {"request": [recorder.note_request], "response": [recorder.note_response]}
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
        gemini.reply_to(text, f"Hello, ", Pause(0.05), f"{text}.")
    loaded = an_agent(RECORD=file)
    await asyncio.gather(*(say(talk(loaded), text) for text in questions))
    assert sorted(line["question"] for line in lines(file)) == sorted(questions)
    loaded = an_agent(REPLAY=file)
    transcripts = await asyncio.gather(*(say(talk(loaded), text) for text in questions))
    assert [answer(each) for each in transcripts] == [f"Hello, {text}." for text in questions]


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
    assert said(await say(talk(loaded, request_retries=1), "Hello")) == said(failed)


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
        "This page plays a recording, and this is not in it, so nobody can answer it here. What is "
        "in it: “Hello”."
    ]
    # The chat goes on: what got no answer is not in the way.
    assert answer(await say(chat, "Hello")) == "Hello."
    other = await say(chat, "And the weather?")
    assert notices(other)[0].endswith("What is in it: “How are you?”.")
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


OWN_CLASS = """
    from google.adk.models import BaseLlm

    class Own(BaseLlm):
        async def generate_content_async(self, llm_request, stream=False):
            raise AssertionError("It was asked.")
            yield
"""


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


# Models as their owners make them


async def test_a_model_with_http_options_of_its_own_keeps_them(
    gemini: FakeGemini, file: Path
) -> None:
    options = types.HttpOptions(
        base_url=gemini.url, headers={"x-own": "kept"}, extra_body={"safetySettings": []}
    )
    model = Gemini(
        model=GEMINI, client_kwargs={"api_key": "own-key-0123456", "http_options": options}
    )
    gemini.enqueue("Hello.")
    first = await say(conversation(recorded(coalescing(model), Recorder(file))), "Hello")  # type: ignore[arg-type]
    (request,) = gemini.requests
    assert request.headers["x-own"] == "kept"
    assert request.key == "own-key-0123456"
    assert request.body["safetySettings"] == []
    assert "own-key-0123456" not in file.read_text()
    played = replayed(coalescing(model), Recording(file))
    assert said(await say(conversation(played), "Hello")) == said(first)
    assert len(gemini.requests) == 1


async def test_a_client_of_the_owners_own_is_recorded(gemini: FakeGemini, file: Path) -> None:
    model = Gemini(model=GEMINI, client=Client(api_key="own-key-0123456", vertexai=False))
    gemini.enqueue("Hello.")
    first = await say(conversation(recorded(model, Recorder(file))), "Hello")  # type: ignore[arg-type]
    assert len(lines(file)) == 1
    assert said(await say(conversation(replayed(model, Recording(file))), "Hello")) == said(first)
    assert len(gemini.requests) == 1


async def test_what_google_cloud_has_answered_is_played_without_it(
    gemini: FakeGemini, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY")
    credentials = AnonymousCredentials()
    credentials.token = "ya29.a-token-of-nobody"
    client = Client(
        vertexai=True,
        project="secret-project-7",
        location="europe-west1",
        credentials=credentials,
        http_options=types.HttpOptions(base_url=gemini.url),
    )
    gemini.enqueue("Hello.")
    gemini.enqueue(
        Status(
            404, "NOT_FOUND", "`projects/secret-project-7/models/x` was not found in projects/42."
        )
    )
    chat = conversation(recorded(Gemini(model=GEMINI, client=client), Recorder(file)))  # type: ignore[arg-type]
    assert answer(await say(chat, "Hello")) == "Hello."
    assert "secret-project-7" in gemini.requests[0].path
    await say(chat, "Again")
    recording = file.read_text()
    assert not any(text in recording for text in ("secret-project", "projects/42", "ya29"))
    chat = conversation(replayed(Gemini(model=GEMINI), Recording(file)))
    assert answer(await say(chat, "Hello")) == "Hello."


async def test_a_model_that_cannot_be_recorded_is_told_at_the_start(
    an_agent: Load, file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_agent(OWN_CLASS + AGENT.replace('"gemini-3.5-flash"', "Own(model='own')"), RECORD=file)
    assert caplog.messages == [
        "The agent watcher is not recorded: its model own is asked by the class Own, and recorded is "
        "what comes from Gemini over HTTP alone."
    ]


# What is in the file


async def test_no_key_is_in_it_wherever_it_was_said(
    an_agent: Load, gemini: FakeGemini, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", "the-weather-secret")
    gemini.enqueue("The key is test-key-of-nobody, ", "and the-weather-secret.")
    gemini.enqueue(Status(400, "INVALID", f"consumer api_key:{KEY} at projects/12345"))
    # Spelt out, a chunk at a time.
    gemini.enqueue("the-", "weather-", "secret")
    loaded = an_agent(RECORD=file)
    for question in (f"Is it {KEY}?", "Hello", "Spell it"):
        await say(talk(loaded, request_retries=0), question)
    text = file.read_text()
    assert len(lines(file)) == 2
    for secret in (KEY, "weather-secret", "Secret instruction", "projects/12345", "x-goog"):
        assert secret not in text
    assert lines(file)[0]["question"] == "Is it [redacted]?"


async def test_a_line_has_no_more_than_it_needs(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    gemini.enqueue("Hello.")
    await say(talk(an_agent(RECORD=file)), "Hello")
    (line,) = lines(file)
    assert list(line) == [
        *("recording", "model", "method", "exact", "like", "before", "latest", "question"),
        *("turn", "made", "status", "type", "began", "chunks", "ended", "end"),
    ]
    assert (line["model"], line["method"]) == (GEMINI, "streamGenerateContent")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_file_is_added_to_and_what_was_cut_in_it_left_out(
    an_agent: Load, gemini: FakeGemini, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.always("Hello.")
    await say(talk(an_agent(RECORD=file)), "Hello")
    whole = file.read_text()
    file.write_text(whole + whole[: len(whole) // 2])  # As of a process that was killed.
    await say(talk(an_agent(RECORD=file)), "Hello again")
    assert [each.question for each in Recording(file).answers] == ["Hello", "Hello again"]
    assert caplog.messages[-1].endswith("line 2: that is no part of a recording, and left out.")


def test_a_file_that_is_no_recording_is_left_as_it_is(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("# Mine\n")
    with pytest.raises(RecordingError, match="is a file, and no recording"):
        Recorder(notes)
    assert notes.read_text() == "# Mine\n"
    with pytest.raises(RecordingError, match="cannot be written: Is a directory"):
        Recorder(tmp_path)
    with pytest.raises(RecordingError, match="is no recording, or an empty one"):
        Recording(notes)
    with pytest.raises(RecordingError, match="cannot be read: No such file"):
        Recording(tmp_path / "none")


async def test_a_full_disk_does_not_end_an_answer(
    an_agent: Load, gemini: FakeGemini, caplog: pytest.LogCaptureFixture
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("There is no /dev/full.")
    gemini.always("Hello.")
    loaded = an_agent(RECORD=full)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert answer(await say(talk(loaded), "Hello")) == "Hello."
    assert len(caplog.messages) == 1
    assert "answers are not recorded" in caplog.text


def test_without_either_nothing_is_changed(an_agent: Load) -> None:
    assert an_agent().tape == Tape()
