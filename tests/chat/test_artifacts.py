"""What tools save and return is in the answer: live, after a restart, and until it is forgotten."""

from pathlib import Path
from typing import Any

import pytest
from google.adk.artifacts import FileArtifactService, InMemoryArtifactService
from google.adk.sessions.sqlite_session_service import SqliteSessionService

from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.core.files import File
from agent.core.settings import Settings
from agent.core.transcript import Text, ToolCall, Transcript, notices
from agent.render import media
from tests.support.app_setup import loaded_root, say
from tests.support.file_agents import CSV, PNG, agent
from tests.support.scripted_model import ScriptedModel, call, scripted

PAINTS = call("paint", subject="cat")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are put for the page."""
    monkeypatch.setattr(media, "FOLDER", tmp_path / "pages")
    return tmp_path / "pages"


def in_folder(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def talk_with(model: ScriptedModel) -> Conversation:
    return Conversation(loaded_root(agent(model)).runner, Settings())


def stored(where: Path, model: ScriptedModel) -> LoadedAgent:
    """The agent on stores that outlast it."""
    what = loaded_root(agent(model))
    what.runner.session_service = SqliteSessionService(f"{where}/chats.db")
    what.runner.artifact_service = FileArtifactService(root_dir=where / "artifacts")
    return what


def shown(transcript: Transcript) -> list[Any]:
    """The answer's words, tools, and files with what the page finds in them."""
    told: list[Any] = []
    for entry in transcript:
        match entry:
            case Text(text=text):
                told.append(text)
            case ToolCall(name=name):
                told.append(name)
            case File():
                told.append((entry.shown_name, entry.version, media.content(entry)))
    return told


CAT, COLOURS = ("cat.png", 0, PNG), ("colours.csv", 0, CSV.encode())


async def test_what_a_tool_saves_stands_below_it_while_the_answer_goes_on() -> None:
    talk = talk_with(scripted(("I shall paint.", PAINTS), ("There ", "it is.")))
    turn = talk.ask("Paint a cat")
    seen = [shown(transcript) async for transcript in turn.watch()]
    assert ["I shall paint.", "paint", CAT, COLOURS] in [told[:4] for told in seen]
    assert seen[-1] == ["I shall paint.", "paint", CAT, COLOURS, "There it is."]
    # Not for a moment is it said to be gone.
    files = [entry for told in seen for entry in told if isinstance(entry, tuple)]
    assert files
    assert all(content for _, _, content in files)


async def test_it_is_there_again_after_a_restart_without_what_was_put_for_the_page(
    tmp_path: Path, folder: Path
) -> None:
    talk = Conversation(stored(tmp_path, scripted((PAINTS,), ("Done.",))).runner, Settings())
    said = await say(talk, "Paint a cat")
    media.delete_unused(-60)
    assert in_folder(folder) == []
    runner = stored(tmp_path, scripted()).runner
    again = Conversation(runner, Settings(), talk.user_id, talk.session_id, is_stored=True)
    assert [shown(turn.transcript) for turn in await again.history()] == [shown(said)]


async def test_each_version_stays_what_it_was() -> None:
    model = scripted((call("keep", note="one"),), ("1",), (call("keep", note="two"),), ("2",))
    talk = talk_with(model)
    await say(talk, "Keep one")
    await say(talk, "Keep two")
    assert [shown(turn.transcript) for turn in await talk.history()] == [
        ["keep", ("note.txt", 0, b"one"), "1"],
        ["keep", ("note.txt", 1, b"two"), "2"],
    ]


@pytest.mark.parametrize("tool", ["photograph", "screenshot"])
async def test_a_picture_that_a_tool_returns_is_shown(tool: str) -> None:
    talk = talk_with(scripted((call(tool),), ("Look.",)))
    said = await say(talk, "Show me")
    assert shown(said) == [tool, ("", None, PNG), "Look."]
    assert [turn.transcript for turn in await talk.history()] == [said]


async def test_with_parallel_calls_each_picture_stands_below_its_own_tool() -> None:
    calls = call("photograph", id="1"), call("screenshot", id="2")
    said = await say(talk_with(scripted(calls, ("Look.",))), "Show me")
    assert shown(said) == ["photograph", ("", None, PNG), "screenshot", ("", None, PNG), "Look."]


async def test_a_file_alone_is_an_answer() -> None:
    said = await say(talk_with(scripted((PAINTS,), ())), "Paint a cat")
    assert (shown(said), notices(said)) == (["paint", CAT, COLOURS], [])


async def test_what_cannot_be_loaded_is_told_and_the_answer_goes_on() -> None:
    class Broken(InMemoryArtifactService):
        async def load_artifact(self, **_: Any) -> Any:
            raise OSError("The disk is gone.")

    talk = talk_with(scripted((PAINTS,), ("Done.",)))
    talk.runner.artifact_service = Broken()
    again = Conversation(talk.runner, Settings())
    said = await say(again, "Paint a cat")
    assert shown(said) == ["paint", ("cat.png", 0, None), ("colours.csv", 0, None), "Done."]
    assert notices(said) == []


async def test_what_is_forgotten_is_nowhere_any_more(folder: Path) -> None:
    talk = talk_with(scripted((PAINTS,), ("Done.",)))
    await say(talk, "Paint a cat")
    assert len(in_folder(folder)) == 2
    await talk.forget()
    assert in_folder(folder) == []
    service = talk.runner.artifact_service
    assert service
    assert await service.list_artifact_keys(**talk.key._asdict()) == []


async def test_after_undo_it_is_not_in_the_answer_any_more() -> None:
    talk = talk_with(scripted(("Hello.",), (PAINTS,), ("Done.",), ("Bye.",)))
    await say(talk, "Hi")
    await say(talk, "Paint a cat")
    await say(talk, "Bye", kept=1)
    assert [shown(turn.transcript) for turn in await talk.history()] == [["Hello."], ["Bye."]]


async def test_the_model_itself_is_told_nothing_of_it() -> None:
    model = scripted((PAINTS,), ("Done.",))
    await say(talk_with(model), "Paint a cat")
    parts = [part for content in model.requests[1].contents for part in content.parts or []]
    assert [part.inline_data for part in parts] == [None] * len(parts)
    assert [bool(part.function_response) for part in parts][-1:] == [True]
