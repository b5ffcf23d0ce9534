"""What Gemini answers is recorded as it came, whoever made the model, and no secret with it."""

import logging
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.adk.models import Gemini
from google.auth.credentials import AnonymousCredentials
from google.genai import Client, types

from agent.chat.recordings import Tape
from agent.core.transcript import answer
from agent.models.coalescing import coalescing
from agent.models.recording import Recorder, RecordingError, recorded
from agent.models.replay import Recording, replayed
from tests.support.app_setup import GEMINI, conversation, say
from tests.support.fake_gemini import FakeGemini, Status
from tests.support.recorded_agent import AGENT, OWN_CLASS, Load, lines, said, talk

KEY = "test-key-of-nobody"

# A disk that is full.
FULL = Path("/dev/full")


def text_of(file: Path) -> str:
    return file.read_text()


def is_private(file: Path) -> bool:
    return stat.S_IMODE(file.stat().st_mode) == 0o600


def cut_after(file: Path) -> None:
    """Add half a line, as a process does that is killed while it writes."""
    whole = file.read_text()
    file.write_text(whole + whole[: len(whole) // 2])


# Models as their owners make them


async def test_a_model_with_http_options_of_its_own_keeps_them(
    gemini: FakeGemini, file: Path
) -> None:
    options = types.HttpOptions(base_url=gemini.url, headers={"x-own": "kept"})
    model = Gemini(
        model=GEMINI, client_kwargs={"api_key": "own-key-0123456", "http_options": options}
    )
    gemini.enqueue("Hello.")
    first = await say(conversation(recorded(coalescing(model), Recorder(file))), "Hello")  # type: ignore[arg-type]
    (request,) = gemini.requests
    assert request.headers["x-own"] == "kept"
    assert request.key == "own-key-0123456"
    assert "own-key-0123456" not in text_of(file)
    played = replayed(coalescing(model), Recording(file))
    assert said(await say(conversation(played), "Hello")) == said(first)
    assert len(gemini.requests) == 1


async def test_a_client_of_the_owners_own_is_recorded(gemini: FakeGemini, file: Path) -> None:
    model = Gemini(model=GEMINI, client=Client(api_key="own-key-0123456", vertexai=False))
    gemini.enqueue("Hello.")
    first = await say(conversation(recorded(model, Recorder(file))), "Hello")  # type: ignore[arg-type]
    assert len(lines(file)) == 1
    vars(model)["api_client"] = model.client  # Where ADK before 2.13 keeps it.
    assert said(await say(conversation(replayed(model, Recording(file))), "Hello")) == said(first)
    assert len(gemini.requests) == 1


async def test_what_google_cloud_has_answered_is_played_without_it(
    gemini: FakeGemini, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY")
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
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
    recording = text_of(file)
    assert not any(text in recording for text in ("secret-project", "projects/42", "ya29"))
    monkeypatch.setenv("REPLAY", str(file))
    chat = conversation(replayed(Gemini(model=GEMINI), Recording(file)))
    assert answer(await say(chat, "Hello")) == "Hello."


async def test_a_model_that_cannot_be_recorded_is_told_at_the_start(
    an_agent: Load, file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_agent(OWN_CLASS + AGENT.replace('"gemini-3.5-flash"', "Own(model='own')"), RECORD=file)
    assert caplog.messages == [
        "The agent watcher is not recorded: its model own is asked by the class Own, and only what "
        "comes from Gemini over HTTP is recorded."
    ]


async def test_a_client_that_cannot_be_recorded_answers_and_is_told_of_once(
    gemini: FakeGemini,
    file: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As where google-genai asks by a client that is not known here.
    monkeypatch.setattr("agent.models.recording.add_event_hooks", lambda *_: False)
    gemini.always("Hello.")
    chat = conversation(recorded(Gemini(model=GEMINI), Recorder(file)))  # type: ignore[arg-type]
    for _ in range(2):
        assert answer(await say(chat, "Hello")) == "Hello."
    told = f"{GEMINI} is asked in a way that is not known here, and not recorded."
    assert caplog.messages == [told]


async def test_each_model_of_adks_fallback_is_recorded(
    an_agent: Load, gemini: FakeGemini, file: Path
) -> None:
    two = AGENT.replace(
        'model="gemini-3.5-flash"',
        'model=FallbackModel(models=["gemini-3.5-flash", "gemini-3.5-pro"])',
    ).replace("import Agent", "import Agent\n    from google.adk.models import FallbackModel", 1)
    gemini.enqueue(Status(429, "RESOURCE_EXHAUSTED"))
    gemini.enqueue("Hello.")
    first = await say(talk(an_agent(two, RECORD=file), request_retries=0), "Hello")
    assert [line["model"] for line in lines(file)] == ["gemini-3.5-flash", "gemini-3.5-pro"]
    second = await say(talk(an_agent(two, REPLAY=file), request_retries=0), "Hello")
    assert said(second) == said(first)
    assert (answer(second), len(gemini.requests)) == ("Hello.", 2)


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
    text = text_of(file)
    assert len(lines(file)) == 2
    for secret in (KEY, "weather-secret", "Secret instruction", "projects/12345", "x-goog"):
        assert secret not in text
    assert lines(file)[0]["question"] == "Is it [redacted]?"


async def test_no_key_is_in_it_that_is_cut_by_a_chunk(file: Path) -> None:
    async def body() -> Any:
        for piece in (b'{"error": "for ', KEY[:9].encode(), KEY[9:].encode(), b'"}'):
            yield piece

    recorder = Recorder(file)
    hooks: Any = {"request": [recorder.note_request], "response": [recorder.note_response]}
    transport = httpx.MockTransport(lambda _: httpx.Response(400, content=body()))
    url, headers = "https://nowhere/models/m:generateContent", {"x-goog-api-key": KEY}
    async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as client:
        await client.post(url, json={"contents": []}, headers=headers)
    (line,) = lines(file)
    assert [text for _, text in line["chunks"]] == ['{"error": "for [redacted]"}']


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
    assert is_private(file)


async def test_a_file_is_added_to_and_what_was_cut_in_it_left_out(
    an_agent: Load, gemini: FakeGemini, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.always("Hello.")
    await say(talk(an_agent(RECORD=file)), "Hello")
    cut_after(file)
    await say(talk(an_agent(RECORD=file)), "Hello again")
    assert [recorded.question for recorded in Recording(file).answers] == ["Hello", "Hello again"]
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


@pytest.mark.skipif(not FULL.exists(), reason="There is no such device here.")
async def test_a_full_disk_does_not_end_an_answer(
    an_agent: Load, gemini: FakeGemini, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.always("Hello.")
    loaded = an_agent(RECORD=FULL)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert answer(await say(talk(loaded), "Hello")) == "Hello."
    assert len(caplog.messages) == 1
    assert "answers are not recorded" in caplog.text


def test_without_either_nothing_is_changed(an_agent: Load) -> None:
    assert an_agent().tape == Tape()
