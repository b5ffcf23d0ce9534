"""An agent that waits for a person at a terminal, or where there is none."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli.replies import LEFT_OPEN, read_replies
from agent.cli.terminal import NOBODY_ANSWERS
from agent.core.pauses import Pause, Reply
from tests.support.fake_gemini import Call, FakeGemini, Until
from tests.support.terminal import Terminal, ran, terminal, timeless
from tests.support.thorough import sample
from tests.support.waiting_agents import GEMINI_PAYS, SECRET, TOOLS

pytestmark = pytest.mark.slow


ASKS = '(The agent asks for approval to use “pay” (amount: 1, to: "Ann").)'

PAID = 'response pay {"status": "paid 1 to Ann"}'

REJECTED = 'response pay {"error": "This tool call is rejected."}'


def folder_of(where: Path, agent: str) -> str:
    """The folder of an agent that waits."""
    (where / "waiting").mkdir()
    (where / "waiting" / "agent.py").write_text(
        f"from tests.support.waiting_agents import agent, reviewer\nroot_agent = {agent}\n"
    )
    return str(where / "waiting")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return folder_of(tmp_path, f"agent('gemini-3.5-flash', *{list(TOOLS)})")


@pytest.fixture
def screen(folder: str, gemini: FakeGemini) -> Iterator[Terminal]:
    """A conversation with an agent that waits."""
    with terminal("--agent", folder) as it:
        it.until("You: $")
        yield it
        it.until("You: $")
        it.type("exit\n")
        assert it.ended() == 0
        assert "Traceback" not in it.shown


def test_what_is_approved_is_done_and_the_agent_goes_on(
    screen: Terminal, gemini: FakeGemini
) -> None:
    gemini.enqueue("I shall pay.", GEMINI_PAYS)
    gemini.enqueue("Paid.")
    screen.type("Pay Ann\n")
    screen.until(r"I shall pay\.")
    assert ASKS in screen.until(r"Approve it\? \[y/N, or c to change it\] $")
    screen.type("y\n")
    screen.until(r"Agent: Paid\.\n")
    assert gemini.requests[1].last_user_text == PAID


@pytest.mark.parametrize("typed", sample(["n", "", "yeah", "yes please", "1"]))
def test_all_else_than_yes_declines(screen: Terminal, gemini: FakeGemini, typed: str) -> None:
    gemini.enqueue(GEMINI_PAYS)
    gemini.enqueue("All right.")
    screen.type("Pay Ann\n")
    screen.until(r"change it\] $")
    screen.type(f"{typed}\n")
    screen.until(r"Agent: All right\.\n")
    assert gemini.requests[1].last_user_text == REJECTED


def test_what_was_typed_before_the_question_approves_nothing(
    screen: Terminal, gemini: FakeGemini
) -> None:
    gemini.enqueue(GEMINI_PAYS, Call("pay", {"amount": 2, "to": "Bob"}, "call-2"))
    gemini.enqueue("Done.")
    screen.type("Pay both\n")
    screen.until(r"change it\] $")
    screen.type("n\ny\ny\n")
    screen.until(r"to: \"Bob\"\)\.\)\n(?s:.*)change it\] $")
    screen.type("n\n")
    screen.until(r"Agent: Done\.\n")
    assert "paid" not in gemini.requests[1].last_user_text


def test_what_was_typed_while_the_agent_spoke_approves_nothing(
    screen: Terminal, gemini: FakeGemini
) -> None:
    typed = threading.Event()
    gemini.enqueue("I shall ", Until(typed), "pay.", GEMINI_PAYS)
    gemini.enqueue("All right.")
    screen.type("Pay Ann\n")
    screen.until("I shall")
    screen.type("y\n")
    screen.until("y\n")
    typed.set()
    screen.until(r"change it\] $")
    time.sleep(1)  # That nothing is approved cannot be awaited.
    screen.type("n\n")
    screen.until(r"Agent: All right\.\n")
    assert gemini.requests[1].last_user_text == REJECTED


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "the end of input"])
def test_whoever_leaves_a_question_approves_nothing(
    screen: Terminal, gemini: FakeGemini, key: str
) -> None:
    gemini.enqueue(GEMINI_PAYS)
    gemini.enqueue("Hello.")
    screen.type("Pay Ann\n")
    screen.until(r"change it\] $")
    screen.interrupt_prompt() if key == "\x03" else screen.type(key)
    assert LEFT_OPEN in screen.until("You: $")
    screen.type("Hi\n")
    screen.until(r"Agent: Hello\.\n")
    assert '"paid' not in str(gemini.requests[1].conversation)


def test_several_questions_are_answered_one_by_one_and_together(
    screen: Terminal, gemini: FakeGemini
) -> None:
    gemini.enqueue(GEMINI_PAYS, Call("book", {"place": "Rome"}, "call-2"))
    gemini.enqueue("Done.")
    screen.type("Pay and book\n")
    screen.until(r"change it\] $")
    screen.type("n\n")
    shown = screen.until(r"change it\] $")
    assert '“book” (place: "Rome")' in shown
    assert '  Shall it be booked?\n  {"nights": 2}\n' in shown
    screen.type("c\n")
    screen.until(r"nights \(a number\) \[2\]: $")
    screen.type("many\n")
    screen.until(r'"nights" is a number.*\n.*\[2\]: $')
    screen.type("5\n")
    screen.until(r"place \[Rome\]: $")
    screen.type("\n")
    screen.until(r"change it\] $")
    screen.type("y\n")
    screen.until(r"Agent: Done\.\n")
    assert gemini.requests[1].last_user_text == "\n".join(
        [REJECTED, 'response book {"nights": 5, "status": "booked"}']
    )


def test_a_choice_is_made_by_its_number(screen: Terminal, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("get_user_choice", {"options": ["red", "\x1b[2Jblue"]}, "call-1"))
    gemini.enqueue("Blue it is.")
    screen.type("Which?\n")
    assert "  1. red\n  2. \ufffd[2Jblue\n" in screen.until("blank for none: $")
    screen.type("3\n")
    assert "That is not what was asked for" in screen.until("blank for none: $")
    screen.type("2\n")
    screen.until(r"Agent: Blue it is\.\n")
    assert "blue" in gemini.requests[1].last_user_text


@pytest.mark.thorough
def test_of_a_sign_in_the_link_is_shown(screen: Terminal, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("next_meeting", {}, "call-1"))
    screen.type("When?\n")
    shown = screen.until("do not sign in: $")
    assert "\n  https://login.example.com/authorize?" in shown
    screen.type("yes\n")
    assert "That is not what was asked for" in screen.until("do not sign in: $")
    screen.type("\n")
    screen.until(r"s, no words\)")
    assert SECRET not in screen.shown


def test_a_form_is_filled_in_field_by_field(tmp_path: Path) -> None:
    with terminal("--agent", folder_of(tmp_path, "reviewer()"), "cats") as screen:
        assert "(The agent asks: “Who shall get «Draft about cats»?”.)" in screen.until("To: $")
        screen.type("\n")
        assert '"To" is empty' in screen.until("To: $")
        screen.type("Zoe\n")
        screen.until(r"Copies \(a number\) \[1\]: $")
        screen.type("many\n")
        assert '"Copies" is a number' in screen.until(r"\[1\]: $")
        screen.type("\n")
        screen.until("Sent to Zoe\n")
        assert screen.ended() == 0


@pytest.mark.thorough
def test_whoever_leaves_the_one_question_has_no_whole_answer(
    folder: str, gemini: FakeGemini
) -> None:
    gemini.enqueue(GEMINI_PAYS)
    with terminal("--agent", folder, "Pay Ann") as screen:
        screen.until(r"change it\] $")
        screen.type("\x04")
        assert screen.ended() == 1
        assert LEFT_OPEN in screen.shown
    assert len(gemini.requests) == 1


# Where nobody answers


def test_through_a_pipe_it_is_said_what_is_asked_and_the_answer_is_not_whole(
    folder: str, gemini: FakeGemini, tmp_path: Path
) -> None:
    gemini.enqueue("I shall pay.", GEMINI_PAYS)
    out = tmp_path / "out.md"
    assert ran("--agent", folder, "--out", str(out), "Pay Ann") == (
        1,
        "I shall pay.\n",
        f"{ASKS}\n{NOBODY_ANSWERS}\n",
    )
    assert timeless(out.read_text()) == (
        "**[14:23:15] User:** Pay Ann\n\n**[14:23:15] Agent:** I shall pay.\n\n*" + ASKS + "*\n\n"
    )


def test_lines_through_a_pipe_are_messages_and_never_replies(
    folder: str, gemini: FakeGemini
) -> None:
    gemini.enqueue(GEMINI_PAYS)
    gemini.enqueue("Hello.")
    ended = ran("--agent", folder, typed="Pay Ann\ny\n")
    assert (ended.code, ended.err) == (0, f"{ASKS}\n{NOBODY_ANSWERS}\n")
    assert timeless(ended.out).endswith("User: y\n[14:23:15] Agent: Hello.\n")
    assert '"paid' not in str(gemini.requests[1].conversation)


@pytest.mark.thorough
def test_what_is_asked_at_a_terminal_and_answered_there_is_in_the_file_too(
    folder: str, gemini: FakeGemini, tmp_path: Path
) -> None:
    gemini.enqueue("I shall pay.", GEMINI_PAYS)
    gemini.enqueue("Paid.")
    file, out = tmp_path / "out.md", tmp_path / "out"
    with (
        out.open("wb") as elsewhere,
        terminal("--agent", folder, "--out", str(file), "Pay Ann", out=elsewhere) as screen,
    ):
        screen.until(r"change it\] $")
        screen.type("y\n")
        assert screen.ended() == 0
    assert out.read_text() == "I shall pay.\nPaid.\n"
    assert timeless(file.read_text()) == (
        f"**[14:23:15] User:** Pay Ann\n\n**[14:23:15] Agent:** I shall pay.\n\n*{ASKS}*\n\n"
        '*(You approved the use of “pay” (amount: 1, to: "Ann").)*\n\nPaid.\n\n'
    )


# What is typed


def typed(pause: Pause, *lines: str) -> tuple[object, list[str]]:
    """What comes of these lines, and what was shown."""
    shown: list[str] = []
    left = iter(lines)

    def ask(prompt: str) -> str:
        shown.append(prompt)
        return next(left)

    replies = read_replies([pause], shown.append, ask)
    assert list(left) == []
    return replies and replies["p"], shown


def wanted(**schema: object) -> Pause:
    return Pause("p", "adk_request_input", "input", message="What?", schema=schema or None)


MANY = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "colour": {"$ref": "#/$defs/Colour"},
        "is_big": {"type": "boolean"},
        "price": {"type": "number"},
        "parts": {"type": "array", "items": {"type": "string"}},
        "pieces": {"type": "integer", "default": 1},
    },
    "required": ["name", "colour"],
    "$defs": {"Colour": {"enum": ["red", "blue"], "type": "string"}},
}


def approval(**about: Any) -> Pause:
    return Pause("p", "adk_request_confirmation", "approval", tool="pay", **about)


@pytest.mark.parametrize(
    ("pause", "lines", "reply"),
    [
        (wanted(), ["12"], Reply(value="12")),
        (wanted(), [""], Reply(is_approved=False)),
        (wanted(type="string"), ["12"], Reply(value="12")),
        (wanted(type="string", default="Rome"), [""], Reply(value="Rome")),
        (wanted(type="integer"), ["many", "1.5", "12"], Reply(value=12)),
        (wanted(type="boolean"), ["maybe", "Y"], Reply(value=True)),
        (wanted(type="number"), ["NaN", "1.5"], Reply(value=1.5)),
        (wanted(enum=["a", 2]), ["b", "2"], Reply(value=2)),
        (wanted(type="array"), ["a, b", '["a", "b"]'], Reply(value=["a", "b"])),
        (wanted(type="array"), [""], Reply(is_approved=False)),
        (
            wanted(**MANY),
            ["", "Ann", "", "green", "red", "no", "", "this; that", ""],
            Reply(
                value={
                    "name": "Ann",
                    "colour": "red",
                    "is_big": False,
                    "parts": ["this", "that"],
                    "pieces": 1,
                }
            ),
        ),
        (approval(), ["c"], Reply(is_approved=False)),
        (approval(args={"amount": 1, "to": "Ann"}), ["c", "", "", "y"], Reply()),
        (approval(args={"amount": 1, "to": "Ann"}), ["c", "2", "", "n"], Reply(is_approved=False)),
        (
            approval(args={"amount": 1, "to": "Ann"}),
            ["c", "2", "Bob", "c", "", "Eve", "y"],
            Reply(args={"amount": 2, "to": "Eve"}),
        ),
    ],
)
def test_what_is_typed_is_the_value_that_was_asked_for(
    pause: Pause, lines: list[str], reply: Reply
) -> None:
    assert typed(pause, *lines)[0] == reply


def test_what_is_typed_stands_in_the_next_prompt() -> None:
    asked = approval(args={"amount": 1, "to": "Ann\nBell"})
    assert typed(asked, "c", "2", "", "c", "", "", "n")[1][1:] == [
        "Approve it? [y/N, or c to change it] ",
        "amount (a number) [1]: ",
        "to [Ann; Bell]: ",
        "Approve it? [y/N, or c to change it] ",
        "amount (a number) [2]: ",
        "to [Ann; Bell]: ",
        "Approve it? [y/N, or c to change it] ",
    ]
