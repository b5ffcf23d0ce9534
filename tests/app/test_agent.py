"""The agent on show: its tools by themselves, and how it is set up."""

import inspect
import io
import math
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_type_hints

import pytest
from google.adk.agents import Agent
from PIL import Image

from agent.agent import (
    EXAMPLES,
    TOOLS,
    calculate,
    draw_chart,
    get_time,
    roll_dice,
    root_agent,
    tutor,
)
from agent.chat.conversation import Conversation
from agent.core.files import File
from agent.core.transcript import ToolCall, Transcript
from agent.render import media
from tests.support.app_setup import conversation, say
from tests.support.scripted_model import ScriptedModel, call, scripted, thought

# get_time


def now(zone: str) -> str:
    return datetime.now(zoneinfo.ZoneInfo(zone)).strftime("%A, %d %B %Y, %H:%M")


@pytest.mark.parametrize(
    ("city", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("New_York", "America/New_York"),
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("  PARIS ", "Europe/Paris"),
    ],
)
def test_the_time_in_a_city_is_the_time_in_its_zone(city: str, zone: str) -> None:
    before, told, after = now(zone), get_time(city), now(zone)
    assert told in [{"city": city, "time": time, "zone": zone} for time in (before, after)]


@pytest.mark.parametrize(
    ("city", "advice"),
    [
        ("Londn", "I know no time zone for 'Londn'. Try London or Lindeman."),
        ("xyzzy", "I know no time zone for 'xyzzy'. Try a capital nearby."),
        ("", "I know no time zone for ''. Try a capital nearby."),
        (" / ", "I know no time zone for ' / '. Try a capital nearby."),
        ("../../etc/passwd", "I know no time zone for '../../etc/passwd'. Try a capital nearby."),
    ],
)
def test_an_unknown_city_is_answered_with_advice(city: str, advice: str) -> None:
    assert get_time(city) == {"error": advice}


# calculate


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("12*7", "84"),
        ("0.1 + 0.2", "0.3"),
        ("1/3", "0.3333333333333333333333333333"),
        ("(3 + 4) * 2", "14"),
        ("2^10", "1024"),
        ("2**10", "1024"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("2^-1", "0.5"),
        ("2^0.5", "1.414213562373095048801688724"),
        ("10 % 3", "1"),
        ("-7 % 3", "2"),
        ("7.5 % 2", "1.5"),
        ("6 × 7 ÷ 2 − 1", "20"),
        ("1,000,000 + 1", "1000001"),
        ("1,000.5*2", "2001"),
        ("1.50 + 1.50", "3"),
        ("100 * 10", "1000"),
        ("--5", "5"),
        ("+5", "5"),
        ("0 * -1", "0"),
        (" 5 ", "5"),
        ("10^27", "1000000000000000000000000000"),
        ("10^28", "1E+28"),
        ("2^100", "1.267650600228229401496703205E+30"),
        ("99999999999999999999 * 10", "999999999999999999990"),
        ("9" * 400, "1E+400"),
        ("1/10^12", "1E-12"),
        ("(" * 100 + "1" + ")" * 100, "1"),
    ],
)
def test_a_sum_is_worked_out(expression: str, result: str) -> None:
    assert calculate(expression) == {"expression": expression, "result": result}


@pytest.mark.parametrize(
    "expression",
    [
        *("", " ", "()", "1 +", "* 2", "1 2", "3,5", "1,2,3", "50%", "2²", "١+١", "007"),
        *("1/0", "0/0", "7 % 0", "0^0", "(-8)^(1/3)", "0^-1"),
        *("9^9^9", "9**9**9**9", "10^1000000000", "2^99999999999", "1e400", "-1e999"),
        *("a + 1", "pi", "abs(1)", "__import__('os')", "(1).real", "[1][0]", "1 if 1 else 2"),
        *("True", "None", "'a' * 9", "f'{1}'", "1j", "1 < 2", "1 and 2", "~1", "7 // 2", "1 << 9"),
        *("lambda: 1", "(x := 1)", "x = 1", "import os", "1; 2", "1\n2", "# 1", "[1 for _ in ()]"),
        *("(" * 240 + "1" + ")" * 240, "1" + "+1" * 300, "9" * 501, "(" * 100_000, "-" * 499),
        *("\0", "1\0", "\ud800", "🙂", "1\u202e+1", "\\"),
    ],
)
def test_what_is_no_sum_is_refused_with_advice(expression: str) -> None:
    advice = f"I cannot work out {expression!r}. Use numbers, + - * / % ^ and brackets."
    assert calculate(expression) == {"error": advice}


# stream_figures


def answers(transcript: Transcript) -> Any:
    """What the tool said in this turn."""
    (told,) = [entry.result for entry in transcript if isinstance(entry, ToolCall)]
    return told


async def asked_for_figures(model: ScriptedModel, what: Conversation) -> Any:
    model.enqueue(call("stream_figures"))
    model.enqueue("There you are.")
    return answers(await say(what, "How did you stream?"))


async def test_stream_figures_are_those_of_the_turns_before() -> None:
    what = conversation(model := ScriptedModel(), agent={"tools": TOOLS})
    model.enqueue(thought("hm"), "Hello", ",", " world")
    first = what.ask("Hi")
    await first.finish()
    (told,) = (await asked_for_figures(model, what))["answers"]
    assert told == vars(first.figures)
    measured = {"chunks": 3, "characters": 12, "smallest_chunk": 1, "largest_chunk": 6}
    assert {name: told[name] for name in measured} == measured
    assert 0 <= told["first_token"] <= told["total"]


async def test_stream_figures_come_for_each_turn_in_order() -> None:
    what = conversation(model := ScriptedModel(), agent={"tools": TOOLS})
    for answer in ("a", "bb", "ccc"):
        model.enqueue(answer)
        await say(what, "Go on")
    told = await asked_for_figures(model, what)
    assert [figures["characters"] for figures in told["answers"]] == [1, 2, 3]


async def test_stream_figures_are_not_invented() -> None:
    what = conversation(model := ScriptedModel(), agent={"tools": TOOLS})
    told = await asked_for_figures(model, what)
    assert told == {"error": "No earlier answer has been measured."}


# How the agent is set up


@pytest.mark.parametrize("agent", [root_agent, tutor], ids=lambda agent: agent.name)
def test_each_agent_is_set_as_promised(agent: Agent) -> None:
    config = agent.generate_content_config
    assert config is not None
    assert (config.temperature, config.max_output_tokens) == (0.7, 2048)
    assert agent.tools == TOOLS
    assert agent.description
    assert agent.instruction


def test_the_agent_on_show_has_a_sub_agent_that_can_hand_back() -> None:
    assert root_agent.sub_agents == [tutor]
    assert root_agent.name in str(tutor.instruction)


def test_the_examples_are_messages() -> None:
    assert EXAMPLES
    assert all(isinstance(example, str) and example.strip() for example in EXAMPLES)


FUNCTIONS = [getattr(tool, "func", tool) for tool in TOOLS]


def test_dice_are_rolled_as_many_as_are_asked_for() -> None:
    rolled = roll_dice(20)
    assert len(rolled["dice"]) == 20
    assert set(rolled["dice"]) <= {1, 2, 3, 4, 5, 6}
    assert rolled["sum"] == sum(rolled["dice"])
    assert "error" in roll_dice(0)


# draw_chart


async def test_a_chart_is_a_picture_of_its_numbers() -> None:
    numbers = [3.0, -5.5, 8.0]
    model = scripted((call("draw_chart", numbers=numbers, title="$x$ sales"),), ("There.",))
    said = await say(conversation(model, {"tools": TOOLS}), "Draw it")
    (file,) = (entry for entry in said if isinstance(entry, File))
    assert (file.name, file.mime_type) == ("chart.png", "image/png")
    picture = Image.open(io.BytesIO(media.content(file) or b"")).convert("RGB")
    assert picture.size == (720, 480)
    # The tallest bar is the last one, and the second goes down.
    columns = [[picture.getpixel((x, y)) for y in range(480)] for x in (200, 390, 580)]
    heights = [sum(pixel == (31, 119, 180) for pixel in column) for column in columns]
    assert heights[2] > heights[1] > heights[0] > 20


@pytest.mark.parametrize("numbers", [[], [1.0] * 101, [math.inf], [math.nan]])
async def test_what_cannot_be_drawn_is_said(numbers: list[float]) -> None:
    told = await draw_chart(numbers, None)  # type: ignore[arg-type]
    assert told == {"error": "I draw from 1 to 100 numbers."}


@pytest.mark.parametrize("tool", FUNCTIONS, ids=lambda tool: tool.__name__)
def test_each_tool_tells_a_model_what_it_does(tool: Callable[..., Any]) -> None:
    names = set(inspect.signature(tool).parameters)
    assert get_type_hints(tool).keys() == names | {"return"}
    documented = inspect.getdoc(tool) or ""
    assert all(f"{name}: " in documented for name in names - {"tool_context"})
