"""`python -m agent --live`: a talk by typed words, in a pipe and in a terminal."""

import pytest

from tests.support.fake_live import Close, FakeLive, Hang
from tests.support.terminal import ran, terminal, timeless

pytestmark = pytest.mark.slow

MODEL = "gemini-3.1-flash-live-preview"


def test_the_lines_of_a_pipe_are_said_one_after_the_other(live: FakeLive) -> None:
    live.enqueue("It is ", "noon.")
    live.enqueue("In Oslo", " too.")
    code, out, err = ran("--live", typed="What time is it?\n\nAnd in Oslo?\n", MODEL=MODEL)
    assert (code, timeless(out), err) == (
        0,
        "[14:23:15] User: What time is it?\nIt is noon.\n"
        "[14:23:15] User: And in Oslo?\nIn Oslo too.\n",
        "",
    )
    assert live.arrived().said == ["What time is it?", "And in Oslo?"]


def test_one_question_has_its_answer_alone(live: FakeLive) -> None:
    live.enqueue("It is ", "noon.")
    assert ran("--live", "What", "time?", MODEL=MODEL) == (0, "It is noon.\n", "")


def test_a_talk_that_breaks_off_says_why(live: FakeLive) -> None:
    live.enqueue("It is ", Close(1011, "Internal error"))
    code, out, err = ran("--live", "What time?", MODEL=MODEL)
    assert (code, out) == (1, "It is \n")
    assert err == ("(The connection to the AI service broke off. Try again for a full answer.)\n")


def test_what_is_typed_in_a_terminal_interrupts_the_answer(live: FakeLive) -> None:
    live.enqueue("A long ", "story", Hang())
    live.enqueue("Bye.")
    with terminal("--live", MODEL=MODEL) as screen:
        screen.until("Type exit to leave")
        screen.type("Tell me a story\n")
        screen.until("A long story")
        screen.type("Stop!\n")
        screen.until("Bye.")
        screen.type("exit\n")
        assert screen.ended() == 0
    assert live.arrived().said == ["Tell me a story", "Stop!"]


def test_ctrl_c_ends_a_talk(live: FakeLive) -> None:
    live.enqueue("A long ", "story", Hang())
    with terminal("--live", MODEL=MODEL) as screen:
        screen.until("Type exit to leave")
        screen.type("Tell me a story\n")
        screen.until("A long story")
        screen.type("\x03")
        assert screen.ended() == 0
    assert live.arrived().is_closed.wait(20)
