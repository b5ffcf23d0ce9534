"""Files that a visitor sends with a message: what the agent gets, what is kept and shown."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import Agent
from google.adk.artifacts import FileArtifactService, InMemoryArtifactService
from google.adk.runners import InMemoryRunner
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.adk.tools import load_artifacts
from google.genai import types

from agent.chat import sent_files
from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.core.files import File
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import notices
from agent.render import media
from tests.support.app_setup import GEMINI, below, conversation, loaded, say
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.file_agents import PNG, png

TABLE = "colour;price\nred;1,50 €\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are put for the page."""
    monkeypatch.setattr(media, "FOLDER", tmp_path / "pages")
    return tmp_path / "pages"


def in_folder(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def sent(content: bytes, name: str, kind: str = "text/plain") -> File:
    """A file that has been sent before its message."""
    return File("", name=name, kept_as=media.save(kind, content))


def picture(name: str = "cat.png") -> File:
    return sent(PNG, name, "image/png")


async def ask(
    talk: Conversation, text: str, files: Sequence[File], kept: int | None = None
) -> list[str]:
    """One turn, to its end; the app's own sentences in its answer."""
    return notices(await talk.ask(below(talk, kept, text, files=files)).finish())


def in_json(content: bytes, mime_type: str) -> dict[str, Any]:
    """A file as google-genai sends it."""
    return {"inlineData": {"data": base64.b64encode(content).decode(), "mimeType": mime_type}}


def decoded(part: dict[str, Any]) -> dict[str, Any]:
    """A part with base64 in one alphabet; a text file as text, which newer releases of ADK make of
    it themselves."""
    if not (blob := part.get("inlineData")):
        return part
    content = base64.b64decode(blob["data"], altchars=b"-_")
    is_text = blob["mime_type"] == "text/plain"
    return {"text": content.decode()} if is_text else in_json(content, blob["mime_type"])


def parts_of(gemini: FakeGemini) -> list[list[Any]]:
    """What the last request told the model, by contents."""
    contents = gemini.requests[-1].body["contents"]
    return [[decoded(part) for part in content["parts"]] for content in contents]


async def shown(talk: Conversation) -> list[tuple[str, list[tuple[str, bytes | None]]]]:
    """What was asked, with the names and contents of the files as a page finds them."""
    return [
        (turn.question, [(file.shown_name, media.content(file)) for file in turn.files])
        for turn in await talk.history()
    ]


async def artifacts(talk: Conversation) -> list[str]:
    service = talk.runner.artifact_service
    assert service
    return sorted(await service.list_artifact_keys(**talk.key._asdict()))


def stored(where: Path) -> LoadedAgent:
    """An agent on stores that outlast it."""
    what = loaded()
    what.runner.session_service = SqliteSessionService(f"{where}/chats.db")
    what.runner.artifact_service = FileArtifactService(root_dir=where / "artifacts")
    return what


async def test_the_model_gets_the_words_and_the_files_and_both_again_with_the_next_message(
    gemini: FakeGemini,
) -> None:
    talk = conversation()
    gemini.enqueue("A cat.")
    table = sent(TABLE.encode("cp1252"), "prices.csv")
    assert await ask(talk, "What is this?", [picture(), table]) == []
    first = [{"text": "What is this?"}, in_json(PNG, "image/png"), {"text": TABLE}]
    assert parts_of(gemini) == [first]
    gemini.enqueue("Yes.")
    await say(talk, "Sure?")
    assert parts_of(gemini) == [first, [{"text": "A cat."}], [{"text": "Sure?"}]]
    assert await shown(talk) == [
        ("What is this?", [("cat.png", PNG), ("prices.csv", TABLE.encode())]),
        ("Sure?", []),
    ]


async def test_the_request_is_that_of_plain_adk(gemini: FakeGemini) -> None:
    talk = conversation()
    gemini.enqueue("A cat.")
    await ask(talk, "What is this?", [picture()])
    ours = gemini.requests[-1].body
    runner = InMemoryRunner(Agent(name="helper", model=GEMINI), app_name="test")
    session = await runner.session_service.create_session(app_name="test", user_id="u")
    blob = types.Blob(data=PNG, mime_type="image/png", display_name="cat.png")
    message = types.UserContent([types.Part(text="What is this?"), types.Part(inline_data=blob)])
    gemini.enqueue("A cat.")
    asked = runner.run_async(user_id="u", session_id=session.id, new_message=message)
    assert [event async for event in asked]
    assert gemini.requests[-1].body["contents"] == ours["contents"]


async def test_files_without_words_are_a_message_and_give_the_chat_its_title(
    gemini: FakeGemini,
) -> None:
    talk = conversation()
    gemini.enqueue("A cat.")
    assert await ask(talk, "", [picture("my cat.png")]) == []
    assert parts_of(gemini) == [[in_json(PNG, "image/png")]]
    assert talk.title == "my cat.png"
    assert await shown(talk) == [("", [("my cat.png", PNG)])]


async def test_they_are_artifacts_under_their_names_where_load_artifacts_finds_them(
    gemini: FakeGemini,
) -> None:
    talk = conversation(GEMINI, {"tools": [load_artifacts]})
    gemini.enqueue("A cat.")
    await ask(talk, "This", [picture()])
    gemini.enqueue("Another.")
    await ask(talk, "And this", [sent(png(5), "cat.png")])
    assert await artifacts(talk) == ["cat (2).png", "cat.png"]
    gemini.enqueue(Call("load_artifacts", {"artifact_names": ["cat (2).png"]}))
    gemini.enqueue("It is smaller.")
    await say(talk, "Look again")
    assert in_json(png(5), "image/png") in parts_of(gemini)[-1]
    assert [files for _, files in await shown(talk)] == [
        [("cat.png", PNG)],
        [("cat (2).png", png(5))],
        [],
    ]


async def test_after_a_restart_they_are_shown_again_though_what_was_put_for_the_page_is_gone(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    talk = Conversation(stored(tmp_path).runner, Settings())
    gemini.enqueue("A cat.")
    await ask(talk, "This", [picture()])
    media.delete_unused(-60)
    again = Conversation(
        stored(tmp_path).runner, Settings(), talk.user_id, talk.session_id, is_stored=True
    )
    assert await shown(again) == [("This", [("cat.png", PNG)])]
    gemini.enqueue("Yes.")
    await say(again, "Sure?")
    assert in_json(PNG, "image/png") in parts_of(gemini)[0]
    # In memory is no file: of many chats that would be much.
    assert [[file.data for file in turn.files] for turn in again.turns] == [[b""], []]


async def test_what_is_taken_back_is_gone_from_the_model_and_the_artifacts(
    gemini: FakeGemini,
) -> None:
    talk = conversation()
    gemini.always("Yes.")
    await ask(talk, "One", [picture("one.png")])
    await ask(talk, "Two", [picture("two.png"), sent(b"Hi", "two.txt")])
    # Asked again, with one of them.
    await ask(talk, "Two", [picture("two.png")], kept=1)
    assert await artifacts(talk) == ["one.png", "two.png"]
    await talk.undo([turn.id for turn in talk.turns[1:]])
    assert await artifacts(talk) == ["one.png"]
    assert await shown(talk) == [("One", [("one.png", PNG)])]
    await say(talk, "Three")
    assert [in_json(PNG, "image/png") in parts for parts in parts_of(gemini)] == [
        True,
        False,
        False,
    ]


async def test_what_is_forgotten_is_nowhere_any_more(gemini: FakeGemini, folder: Path) -> None:
    talk = conversation()
    gemini.enqueue("A cat.")
    await ask(talk, "This", [picture()])
    await talk.forget()
    assert await artifacts(talk) == []
    assert in_folder(folder) == []


GONE = File("", name="gone.png", kept_as="0" * 32 + ".png")

REFUSED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "gone": ({}, lambda: [GONE], "The file “gone.png” is not here any more."),
    "no name of a file": ({}, lambda: [File("", name="x", kept_as="../x")], "The file “x” is not"),
    "a program": ({}, lambda: [sent(b"MZ\x90\0" + bytes(99), "x.png")], "This kind of file cannot"),
    "not wanted": (
        {"file_types": "pdf"},
        lambda: [picture()],
        "This kind of file cannot be sent here. What can be sent: PDF.",
    ),
    "none wanted": ({"file_types": "none"}, lambda: [picture()], "Files cannot be sent here."),
    "broken": ({}, lambda: [sent(PNG[:12], "x.png")], "This picture cannot be opened"),
    "too many": ({}, lambda: [picture()] * 11, "One message can have 10 files."),
    "too much": (
        {},
        lambda: [sent(bytes([letter]) * 5_000_000, f"{letter}.txt") for letter in b"abc"],
        "These files are too large together: one message can have 14 MB of them.",
    ),
}


@pytest.mark.parametrize(("settings", "files", "sentence"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_sent_is_told_and_nothing_is_kept_or_asked(
    gemini: FakeGemini, settings: dict[str, Any], files: Any, sentence: str
) -> None:
    talk = conversation(GEMINI, {}, **settings)
    [told] = await ask(talk, "What is this?", files())
    assert told.startswith(sentence)
    assert gemini.requests == []
    assert talk.turns == []
    assert await talk.session() is None
    assert await artifacts(talk) == []
    gemini.enqueue("Hello.")
    await say(talk, "Hi")
    assert await shown(talk) == [("Hi", [])]


async def test_a_name_that_lies_says_what_the_file_is(gemini: FakeGemini) -> None:
    talk = conversation()
    gemini.enqueue("A script.")
    await ask(talk, "This", [sent(b"<script>alert(1)</script>", "cat.png"), picture("notes.txt")])
    assert parts_of(gemini)[0][1:] == [
        {"text": "<script>alert(1)</script>"},
        in_json(PNG, "image/png"),
    ]
    assert await artifacts(talk) == ["cat.png.txt", "notes.txt"]


async def test_the_oldest_files_are_left_out_where_a_request_would_be_too_large(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_files, "MAX_BYTES", 2 * len(PNG))
    talk = conversation()
    gemini.always("Yes.")
    for name in ("one.png", "two.png", "three.png"):
        await ask(talk, name, [picture(name)])
    left_out = {"text": sent_files.LEFT_OUT.format(name="one.png")}
    whole = in_json(PNG, "image/png")
    assert [parts for parts in parts_of(gemini) if parts != [{"text": "Yes."}]] == [
        [{"text": "one.png"}, left_out],
        [{"text": "two.png"}, whole],
        [{"text": "three.png"}, whole],
    ]
    assert [files for _, files in await shown(talk)] == [
        [(name, PNG)] for name in ("one.png", "two.png", "three.png")
    ]


async def test_an_artifact_service_that_fails_keeps_nobody_from_an_answer(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    talk = conversation()

    async def fail(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr(InMemoryArtifactService, "save_artifact", fail)
    gemini.enqueue("A cat.")
    assert await ask(talk, "This", [picture()]) == []
    assert parts_of(gemini) == [[{"text": "This"}, in_json(PNG, "image/png")]]
    assert "A file of a visitor's is no artifact: OSError()" in caplog.text


async def test_the_offline_model_says_that_it_cannot_look_into_them() -> None:
    talk = conversation("offline")
    transcript = await talk.ask(Question("What is this?", files=[picture()])).finish()
    said = "You sent 1 file (`image/png`). I am not an AI, and cannot look into files."
    assert said in str(transcript[-1])
    transcript = await talk.ask(Question("", files=[picture()])).finish()
    assert said in str(transcript[-1])
