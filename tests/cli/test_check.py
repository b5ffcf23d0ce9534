"""`python -m agent check` as a host uses it."""

from pathlib import Path

import pytest

from agent.__main__ import main
from agent.cli.command import is_command, meant_command
from tests.support.fake_gemini import FakeGemini, Hang, Pause
from tests.support.terminal import ran, terminal


def test_it_is_told_from_a_question_that_begins_with_its_word() -> None:
    assert is_command("check", ["check"])
    assert is_command("check", ["check", "--offline"])
    assert not is_command("check", ["check", "the", "weather"])
    assert not is_command("check", ["check the weather"])
    assert not is_command("check", [])


def test_it_is_asked_for_of_a_folder_as_a_page_is(tmp_path: Path) -> None:
    assert is_command("check", ["check", str(tmp_path)])
    assert is_command("check", ["check", str(tmp_path), "--offline"])
    assert not is_command("check", ["check", str(tmp_path), "for", "me"])
    assert not is_command("check", ["check", str(tmp_path / "nowhere")])
    (tmp_path / "agent.py").write_text("root_agent = 7")
    assert "is no agent, but of the kind int" in ran("check", str(tmp_path), "--offline").out


def test_a_word_that_is_almost_a_commands_is_no_question(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for word, name in (
        *(("chek", "check"), ("Check", "check"), ("chekc", "check"), ("checks", "check")),
        *(("recrod", "record"), ("eval-set", "evalset"), ("evalsets", "evalset")),
    ):
        assert main([word]) == main([word, "--agent=x"]) == 2
        asked = "? To ask the agent this one word, write it with a question mark.\n"
        assert capsys.readouterr() == ("", f"Did you mean {name}{asked}" * 2)
    names = "check", "record", "evalset"
    for arguments in (
        ["chek", "it"],
        ["chek it"],
        ["check?"],
        ["czech"],
        ["--demo"],
        ["hello"],
        [],
    ):
        assert meant_command(names, arguments) == ""


@pytest.mark.slow
def test_where_all_is_well_it_says_so_and_ends_well(gemini: FakeGemini, tmp_path: Path) -> None:
    gemini.always(*("One, ", Pause(0.05)) * 60, Hang())
    ended = ran("check", SESSION_DB=f"sqlite:///{tmp_path}/s.db")
    assert ended.err == ""
    lines = [line for line in ended.out.splitlines() if not line.startswith(" ")]
    assert [line.partition(":")[0] for line in lines if line] == [
        *("ok           Settings", "ok           Versions", "ok           Space"),
        *("ok           Agent “Chat assistant”", "ok           Key", "ok           Model"),
        *("ok           Answer", "ok           Streaming", "ok           Stop"),
        *("ok           Chats are kept", "ok           Visitors are apart"),
        *("ok           Files are kept", "not checked  Memory", "ok           Storage lasts"),
        *("not checked  Several copies", "Nothing is wrong."),
    ]
    assert ended.code == 0
    assert len(gemini.requests) == 1


@pytest.mark.slow
def test_what_is_wrong_has_a_word_a_colour_and_a_cure_and_the_code_is_1() -> None:
    with terminal("check", SPACE_ID="ann/demo", SESSION_DB="memory://") as screen:
        screen.until(r"\x1b\[31mWRONG      \x1b\[0m  Key: No AI is connected")
        screen.until("set GOOGLE_API_KEY in the Space's Settings, as a “New")
        screen.until("2 of these should be mended.")
        assert screen.ended() == 1
