"""`python -m agent` as it is used: with pipes, with files, and in a terminal of its own."""

import os
import re
import subprocess
import sys
import threading
import time
import unicodedata
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.__main__ import DEMO, main
from agent.chat.loader import OUR_AGENT
from agent.cli.check import run_check
from agent.cli.evalset import run_evalset
from agent.cli.record import run_record
from agent.cli.terminal import DIM, ERASE_LINE, NORMAL
from tests.support.app_process import ROOT
from tests.support.fake_gemini import Call, Cut, FakeGemini, Hang, Pause, Think, Until
from tests.support.file_agents import PNG
from tests.support.terminal import STAMP, ran, terminal, timeless

pytestmark = pytest.mark.slow

PROGRESS = re.escape(ERASE_LINE) + r"\d+ s, "

BROKEN = "The connection to the AI service broke off. Try again for a full answer."


# One question


def test_the_answer_goes_to_standard_output_alone_and_as_it_was_said(gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm."), Call("get_time", {"city": "Oslo"}))
    gemini.enqueue(Think("So."), "It is\t", "noon 世界 😀\n", "  all day\n")
    assert ran("What", "time?") == (0, "It is\tnoon 世界 😀\n  all day\n\n", "")
    assert [request.streaming for request in gemini.requests] == [True, True]
    assert gemini.requests[0].conversation == [("user", "What time?")]


def test_an_answer_that_breaks_off_is_kept_and_the_reason_goes_to_standard_error(
    gemini: FakeGemini,
) -> None:
    gemini.enqueue("Half of", Cut())
    assert ran("Hi") == (1, "Half of\n", f"({BROKEN})\n")


@pytest.mark.thorough
def test_an_answer_without_a_word_is_nothing_but_its_reason(gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm."), Cut())
    assert ran("Hi") == (1, "", f"({BROKEN})\n")


@pytest.mark.thorough
def test_an_answer_that_takes_too_long_keeps_what_was_said(gemini: FakeGemini) -> None:
    gemini.enqueue("Once upon", Hang())
    assert ran("--timeout", "3", "A story") == (
        1,
        "Once upon\n",
        "(The answer took longer than 3 seconds and was ended here. "
        "Try again, or ask for something shorter.)\n",
    )
    assert gemini.requests[0].left.wait(20)


def test_without_streaming_the_same_answer_comes_in_one_piece(gemini: FakeGemini) -> None:
    gemini.enqueue(Pause(1), Think("Hm."), Call("get_time", {"city": "Oslo"}))
    gemini.enqueue("It is ", "noon.\n")
    assert ran("--no-stream", "Hi", FIRST_TOKEN_TIMEOUT="0.5") == (0, "It is noon.\n\n", "")
    assert [request.streaming for request in gemini.requests] == [False, False]


@pytest.mark.thorough
def test_without_streaming_the_words_after_a_tool_have_all_the_time_too(
    gemini: FakeGemini,
) -> None:
    gemini.enqueue(Call("get_time", {"city": "Oslo"}))
    gemini.enqueue(Pause(2), "Noon.")
    assert ran("--no-stream", "Hi", GAP_TIMEOUT="1") == (0, "Noon.\n", "")


def test_another_agent_can_be_named_and_answers_offline_without_a_key(tmp_path: Path) -> None:
    folder = tmp_path / "weather_agent"
    folder.mkdir()
    (folder / "agent.py").write_text(
        "from google.adk.agents import Agent\n"
        "def get_weather(city: str) -> str:\n"
        "    'Tell the weather.'\n"
        "    return f'Sun in {city}'\n"
        "root_agent = Agent(name='weather', model='gemini-3.5-flash', tools=[get_weather])\n"
    )
    code, out, err = ran("--agent", str(folder), "How is the weather in Oslo?")
    assert (code, err) == (0, "")
    assert out.startswith("I am the **built-in offline model**")
    assert out.endswith("\n- result: Sun in Oslo\n")


@pytest.mark.thorough
def test_a_reader_that_has_had_enough_is_no_error_to_speak_of(gemini: FakeGemini) -> None:
    gone = threading.Event()
    gemini.enqueue("Hello", Until(gone), " world", " and", " all")
    command = [sys.executable, "-m", "agent", "Hi"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe) as program:
        assert program.stdout
        assert program.stderr
        assert program.stdout.read(5) == b"Hello"
        program.stdout.close()
        gone.set()
        assert (program.stderr.read(), program.wait(60)) == (b"", 1)


def test_what_comes_through_a_pipe_is_sent_with_the_question(gemini: FakeGemini) -> None:
    gemini.enqueue("Short.")
    ended = ran("Summarize", "this", typed="One.\n\nTwo.\nexit\n")
    assert ended == (0, "Short.\n", "")
    assert gemini.requests[0].conversation == [("user", "Summarize this\n\nOne.\n\nTwo.\nexit")]


def test_a_file_too(gemini: FakeGemini, tmp_path: Path) -> None:
    gemini.enqueue("Short.")
    (tmp_path / "notes").write_bytes(b"caf\xc3\xa9 \xff")
    with (tmp_path / "notes").open("rb") as file:
        command = [sys.executable, "-m", "agent", "Summarize"]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        subprocess.run(command, cwd=ROOT, stdin=file, env=environment, timeout=60, check=True)
    assert gemini.requests[0].conversation == [("user", "Summarize\n\ncafé \ufffd")]


def test_files_of_this_machine_go_with_a_message(gemini: FakeGemini, tmp_path: Path) -> None:
    (tmp_path / "a cat.png").write_bytes(PNG)
    (tmp_path / "tool.exe").write_bytes(b"MZ\0\x90" * 9)
    gemini.enqueue("A square.")
    code, out, err = ran("--file", f"{tmp_path}/a cat.png", "What is it?")
    assert (code, out) == (0, "A square.\n")
    assert err == f"(a cat.png, {len(PNG)} bytes, goes with your next message.)\n"
    [content] = gemini.requests[0].body["contents"]
    blobs = [part["inlineData"] for part in content["parts"] if "inlineData" in part]
    assert [urlsafe_b64decode(blob["data"]) for blob in blobs] == [PNG]
    code, out, err = ran("--file", f"{tmp_path}/none.png", "--file", str(tmp_path), "What is it?")
    no_files = (
        f"(There is no file {tmp_path}/none.png.)\n({tmp_path} is a folder. Name a file in it.)\n"
    )
    assert (code, out, err) == (2, "", no_files)
    gemini.enqueue("Nothing.")
    lines = f"/file {tmp_path}/tool.exe\n/file '{tmp_path}/a cat.png'\nAnd this?\n"
    _, _, err = ran(typed=lines)
    assert "This kind of file cannot be sent here." in err
    assert "(a cat.png, " in err
    assert "inlineData" in str(gemini.requests[1].body)


@pytest.mark.thorough
def test_who_waits_for_a_pipe_is_told_so(gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    command = [sys.executable, "-m", "agent", "Hi"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as program:
        assert program.stderr
        assert program.stderr.readline().startswith(b"(Reading standard input, until it ends.")
        out, err = program.communicate(b"there")
    assert (out, err) == (b"Hello.\n", b"")
    assert gemini.requests[0].conversation == [("user", "Hi\n\nthere")]


@pytest.mark.thorough
def test_where_nothing_can_come_nobody_waits_for_it(gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    command = [sys.executable, "-m", "agent", "Hi"]
    subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=60, check=True)
    assert gemini.requests[0].conversation == [("user", "Hi")]


def test_signs_that_standard_output_cannot_hold_end_nothing(gemini: FakeGemini) -> None:
    gemini.enqueue("Hello ", "世界", ".")
    code, out, err = ran("Hi", PYTHONIOENCODING="ascii")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"Hello .+\.\n", out)


# Questions through a pipe


def test_lines_through_a_pipe_are_one_conversation_until_somebody_says_exit(
    gemini: FakeGemini,
) -> None:
    gemini.enqueue("One", ".")
    gemini.enqueue(Think("Hm."), "Two.")
    code, out, err = ran(typed="first\n\n   \n  second \nExit\nnever\n")
    assert (code, err) == (0, "")
    assert timeless(out) == (
        "[14:23:15] User: first\n[14:23:15] Agent: One.\n"
        "[14:23:15] User: second\n[14:23:15] Agent: Two.\n"
    )
    assert [request.conversation for request in gemini.requests] == [
        [("user", "first")],
        [("user", "first"), ("model", "One."), ("user", "second")],
    ]


def test_a_failing_turn_does_not_end_the_conversation() -> None:
    code, out, err = ran(typed="What is 12*7?\n/fail\nwhat did I ask before?")
    assert code == 0
    assert "\n- result: 84\n[14:23:15] User: /fail\n" in timeless(out)
    assert "Agent: This answer is going to break off in the mid\n[" in out
    assert out.endswith("you said:\n\n- `What is 12*7?`\n- `/fail`\n")
    assert re.fullmatch(r"\(.+\)\n", err)


@pytest.mark.thorough
def test_a_tool_that_quits_does_not_end_the_conversation(tmp_path: Path) -> None:
    (tmp_path / "leaver").mkdir()
    (tmp_path / "leaver" / "agent.py").write_text(
        "from google.adk.agents import Agent\n"
        "def leave():\n"
        "    quit()\n"
        "root_agent = Agent(name='leaver', model='gemini-2.5-flash', tools=[leave])\n"
    )
    ended = ran("--agent", str(tmp_path / "leaver"), typed="/call leave\n/help\n")
    assert ended.code == 0
    assert "- error: SystemExit\n" in ended.out
    assert "User: /help" in ended.out


@pytest.mark.thorough
def test_a_line_that_is_no_text_ends_nothing(gemini: FakeGemini) -> None:
    gemini.always("Yes.")
    code, out, err = ran(typed=b"caf\xe9\nsecond\n", PYTHONIOENCODING="utf-8")
    assert (code, err) == (0, "")
    assert timeless(out).endswith("[14:23:15] User: second\n[14:23:15] Agent: Yes.\n")


def test_the_demo_asks_its_four_questions_in_order(gemini: FakeGemini) -> None:
    gemini.always("Sure", ".")
    code, out, err = ran("--demo")
    assert (code, err) == (0, "")
    assert [request.last_user_text for request in gemini.requests] == list(DEMO)
    assert timeless(out) == "".join(
        f"[14:23:15] User: {question}\n[14:23:15] Agent: Sure.\n" for question in DEMO
    )
    assert gemini.requests[3].conversation[:2] == [("user", DEMO[0]), ("model", "Sure.")]


# Files


def test_the_conversation_is_appended_to_every_file(gemini: FakeGemini, tmp_path: Path) -> None:
    old, new = tmp_path / "old.md", tmp_path / "new.md"
    old.write_text("Before.\n\n")
    gemini.enqueue(Think("Hm."), "Hel", "lo 😀")
    gemini.enqueue("Half of", Cut())
    ended = ran("--out", str(old), "--out", str(new), typed="first\nsecond\n")
    assert ended.code == 0
    said = timeless(new.read_text(encoding="utf-8"))
    assert said == (
        "**[14:23:15] User:** first\n\n**[14:23:15] Agent:** Hello 😀\n\n"
        "**[14:23:15] User:** second\n\n**[14:23:15] Agent:** Half of\n\n"
        f"*({BROKEN})*\n\n"
    )
    assert timeless(old.read_text(encoding="utf-8")) == f"Before.\n\n{said}"


def test_a_file_that_takes_no_more_is_reported_and_holds_up_nothing(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    gemini.enqueue("Hel", "lo")
    ended = ran("--out", "/dev/full", "--out", str(tmp_path / "good.md"), "Hi")
    assert ended == (0, "Hello\n", "(The answer could not be written to /dev/full.)\n")
    assert timeless((tmp_path / "good.md").read_text()) == (
        "**[14:23:15] User:** Hi\n\n**[14:23:15] Agent:** Hello\n\n"
    )


# A wrong command


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (
            ["--agent", "/nowhere"],
            {},
            "There is no folder /nowhere. Name the folder that holds agent.py.",
        ),
        (
            [],
            {"GAP_TIMEOUT": "soon"},
            "GAP_TIMEOUT='soon' cannot be used: input should be a valid number, "
            "unable to parse string as a number.",
        ),
    ],
)
def test_a_wrong_folder_or_setting_is_reported_in_a_sentence(
    arguments: list[str], environment: dict[str, str], complaint: str
) -> None:
    assert ran(*arguments, "Hi", **environment) == (2, "", f"{complaint}\n")


def test_a_file_that_cannot_be_opened_is_reported_in_a_line() -> None:
    code, out, err = ran("--out", "/nowhere/chat.md", "Hi")
    assert (code, out) == (2, "")
    usage, _, complaint = err.rstrip().rpartition("\n")
    assert usage.startswith("usage: python -m agent ")
    assert complaint == "python -m agent: error: argument --out: there is no folder /nowhere"


@pytest.mark.parametrize(
    "command",
    [
        main,
        lambda given: run_check(given, OUR_AGENT),
        lambda given: run_record(given, OUR_AGENT, ()),
        lambda given: run_evalset(given, OUR_AGENT),
    ],
)
def test_a_second_agent_is_not_passed_over(
    command: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        command(["--agent=here", "--agent", "there"])
    assert left.value.code == 2
    assert capsys.readouterr().err.endswith(
        "argument --agent: one folder can be named, and here are here and there\n"
    )


@pytest.mark.parametrize("time", ["0", "-1", "soon", "nan", "inf", "86400"])
def test_a_time_that_nobody_can_wait_is_refused(
    time: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([f"--timeout={time}", "Hi"])
    assert left.value.code == 2
    assert re.search(rf"error: argument --timeout: .*{time}", capsys.readouterr().err)


# In a terminal


def test_a_terminal_shows_a_conversation_as_it_comes(gemini: FakeGemini) -> None:
    first, second, third = threading.Event(), threading.Event(), threading.Event()
    asked = Call("get_time", {"city": "Oslo"})
    gemini.enqueue(Until(first), Think("Hm, let me see."), Until(second), asked)
    gemini.enqueue("It is ", Until(third), "noon.")
    with terminal() as screen:
        screen.until(
            r"Chat assistant\. Type exit to leave; Ctrl-C stops an answer\. "
            r"/file PATH sends a file\.\n\nYou: $"
        )
        screen.type("What time?\n")
        screen.until(r"What time\?\n" + PROGRESS)
        first.set()
        assert f"{ERASE_LINE}{DIM}Hm, let me see." in screen.until(r"see\.")
        second.set()
        steps = screen.until(f"{STAMP} Agent: It is $")
        assert f'\n{DIM}[get_time {{"city": "Oslo"}}]{NORMAL}\n' in steps
        assert f'{DIM}[get_time answered {{"city": "Oslo", "time": ' in steps
        third.set()
        assert screen.until(r"\n").startswith("noon.\n")
        assert screen.until(r"\n").startswith(f"{DIM}(")
        assert screen.until("You: $") == "\nYou: "
        screen.type("exit\n")
        assert screen.ended() == 0


def test_what_a_terminal_would_obey_does_not_reach_it(gemini: FakeGemini) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\x08\x7f\rgone"
    gemini.enqueue(Think(hostile), Call("get_time", {"city": hostile}))
    gemini.enqueue(hostile, "\tsafe\n")
    with terminal("Hi") as screen:
        assert screen.ended() == 0
    plain = re.sub("|".join(map(re.escape, (DIM, NORMAL, ERASE_LINE))), "", screen.shown)
    assert {character for character in plain if unicodedata.category(character) == "Cc"} == {
        "\n",
        "\t",
    }
    assert "\ufffd]0;owned\ufffd\ufffd[2J\ufffd31m\ufffd\ufffdgone\tsafe\n" in plain


def test_ctrl_c_stops_an_answer_and_no_more(gemini: FakeGemini) -> None:
    gemini.enqueue("Once upon", Hang())
    gemini.enqueue("Sure.")
    with terminal() as screen:
        screen.until("You: $")
        screen.type("A story\n")
        screen.until("Agent: Once upon")
        screen.type("\x03")
        assert "\n(Stopped.)\n" in screen.until("You: $")
        assert gemini.requests[0].left.wait(20)
        screen.type("Go on\n")
        screen.until(r"Agent: Sure\.\n")
        screen.until("You: $")
        screen.type("\x04")
        assert screen.ended() == 0
        assert "Traceback" not in screen.shown
    assert gemini.requests[1].conversation == [
        ("user", "A story"),
        ("model", "Once upon"),
        ("user", "Go on"),
    ]


def test_ctrl_c_at_the_prompt_throws_a_line_away_and_no_more(gemini: FakeGemini) -> None:
    gemini.enqueue("Sure.")
    with terminal() as screen:
        screen.until("You: $")
        for _ in range(2):
            screen.type("What if")
            screen.until("What if")
            screen.interrupt_prompt()
            assert "(Type exit to leave.)" in screen.until("You: $")
        screen.type("Go on\n")
        screen.until(r"Agent: Sure\.\n")
        screen.until("You: $")
        screen.type("exit\n")
        assert screen.ended() == 0
    assert gemini.requests[0].conversation == [("user", "Go on")]


def test_a_second_ctrl_c_ends_an_answer_that_does_not_stop(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    folder = tmp_path / "stubborn_agent"
    folder.mkdir()
    (folder / "agent.py").write_text(
        "import asyncio\n"
        "from google.adk.agents import BaseAgent\n"
        "from google.adk.events import Event\n"
        "from google.genai import types\n"
        "class Stubborn(BaseAgent):\n"
        "    async def _run_async_impl(self, context):\n"
        "        yield Event(author=self.name, partial=True, content=types.ModelContent('No'))\n"
        "        while True:\n"
        "            try:\n"
        "                await asyncio.sleep(60)\n"
        "            except asyncio.CancelledError:\n"
        "                pass\n"
        "root_agent = Stubborn(name='stubborn')\n"
    )
    with terminal("--agent", str(folder), "Hi") as screen:
        screen.until("No")
        screen.type("\x03")
        time.sleep(1)  # That it does not stop cannot be awaited.
        screen.type("\x03")
        assert screen.ended() == 130
    assert "Traceback" not in screen.shown


PASTES = {
    "marked by the terminal": ("\x1b[200~one\r\rtwo\rthree\x1b[201~\n", "xterm"),
    "not marked": ("one\n\ntwo\nthree\n", "dumb"),
    "not marked and not ended": ("one\n\ntwo\nthree", "dumb"),
}


@pytest.mark.thorough
@pytest.mark.parametrize(("typed", "kind"), PASTES.values(), ids=PASTES.keys())
def test_what_is_pasted_is_one_question(gemini: FakeGemini, typed: str, kind: str) -> None:
    gemini.enqueue("All of it.")
    gemini.enqueue("Bye.")
    with terminal(TERM=kind) as screen:
        screen.until("You: ")
        time.sleep(0.5)  # Until the terminal is set, which cannot be awaited.
        screen.type(typed)
        screen.until(r"Agent: All of it\.\n")
        screen.until("You: ")
        screen.type("And now?\n")
        screen.until(r"Agent: Bye\.\n")
    assert [request.last_user_text for request in gemini.requests] == [
        "one\n\ntwo\nthree",
        "And now?",
    ]


def test_an_answer_that_goes_elsewhere_leaves_the_rest_to_the_terminal(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    first, second = threading.Event(), threading.Event()
    gemini.enqueue(Until(first), Think("Hm."), "Hel", Until(second), "lo", Cut())
    with (tmp_path / "answer").open("wb") as file, terminal("Hi", out=file) as screen:
        screen.until(PROGRESS)
        first.set()
        screen.until(re.escape(f"{ERASE_LINE}{DIM}Hm.{NORMAL}\n{ERASE_LINE}"))
        second.set()
        assert screen.ended() == 1
    assert (tmp_path / "answer").read_bytes() == b"Hello\n"
    assert f"{ERASE_LINE}({BROKEN})\n{DIM}(" in screen.shown
    assert "Hel" not in screen.shown


# What a terminal obeys

ESCAPES = "a\x1b]52;c;AAAA\x07b\x1b[2Jc\x9bd\x08e\rf\tg\nh"
SHOWN = "a\ufffd]52;c;AAAA\ufffdb\ufffd[2Jc\ufffdd\ufffde\rf\tg\nh"


def test_what_a_terminal_obeys_goes_through_no_pipe_and_into_no_file(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    gemini.enqueue(ESCAPES)
    ended = ran(ESCAPES, "--out", str(tmp_path / "a.md"))
    assert ended.out == f"{SHOWN}\n"
    record = (tmp_path / "a.md").read_bytes().decode()
    assert record.count(SHOWN) == 2
    assert "\x1b" not in record + ended.err
    gemini.enqueue("Hi.")
    assert "\x1b" not in ran(typed=ESCAPES.partition("\n")[0] + "\n").out
