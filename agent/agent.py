"""The agent on show: who answers, and with which tools. Put your own `root_agent` here."""

import ast
import asyncio
import difflib
import io
import math
import operator
import os
import re
import secrets
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal, DecimalException
from typing import Any

from google.adk.agents import Agent
from google.adk.tools import FunctionTool, ToolContext
from google.genai import types

from agent.models.offline import model_or_offline

EXAMPLES = (
    "Hello! What can you help me with?",
    "What time is it in Tokyo and in New York?",
    "What is 12*7?",
    "Draw a chart of 3, 5, 8 and 2",
    "Explain quantum computing in simple terms",
    "What are the practical applications?",
    "How does it compare to classical computing?",
)

# From which a visitor chooses why an answer is bad.
REASONS = (
    "Wrong facts",
    "Incomplete",
    "Did not do what I asked",
    "Wrong tool, or used wrongly",
    "Hard to read",
    "Wrong tone",
)


def get_time(city: str) -> dict[str, str]:
    """Tell the date and time in a city.

    Args:
        city: A large city in English, such as "Tokyo", or a time zone, such as "Asia/Tokyo".
    """
    zones, wanted = _zones(), city.replace("_", " ").strip().lower()[:100]
    if wanted not in zones:
        close = " or ".join(map(str.title, difflib.get_close_matches(wanted, zones)))
        return {
            "error": f"I know no time zone for {city[:100]!r}. Try {close or 'a capital nearby'}."
        }
    now = datetime.now(zoneinfo.ZoneInfo(zones[wanted]))
    return {"city": city, "time": now.strftime("%A, %d %B %Y, %H:%M"), "zone": zones[wanted]}


def _zones() -> dict[str, str]:
    """Time zones by their names and by their places: "asia/tokyo" and "tokyo", but not "est"."""
    zones = {zone.replace("_", " ").lower(): zone for zone in zoneinfo.available_timezones()}
    visitor_id = {name: zone for name, zone in sorted(zones.items()) if "/" in name}
    return {name.rpartition("/")[2]: zone for name, zone in visitor_id.items()} | visitor_id


def calculate(expression: str) -> dict[str, str]:
    """Work out an arithmetic expression.

    Args:
        expression: Numbers with + - * / % ^ and brackets, such as "(3 + 4) * 2".
    """
    try:
        return {"expression": expression, "result": _written(_value(_parsed(expression)))}
    except (SyntaxError, ValueError, DecimalException, RecursionError, MemoryError):
        return {
            "error": f"I cannot work out {expression!r}. Use numbers, + - * / % ^ and brackets."
        }


OPERATORS: dict[type, Callable[..., Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: lambda a, b: a - b * (a / b).to_integral_value(ROUND_FLOOR),
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def _parsed(expression: str) -> ast.expr:
    source = re.sub(r"(?<=\d),(?=\d{3}\b)", "", expression.strip())
    for sign, python in {"×": "*", "÷": "/", "^": "**", "−": "-"}.items():
        source = source.replace(sign, python)
    if len(source) > 500:  # On very deep brackets Python's parser fails in ways of its own.
        raise ValueError("too long")
    return ast.parse(source, mode="eval").body


def _value(node: ast.expr) -> Decimal:
    """Decimals, because 0.1 + 0.2 is then 0.3, and a power too large is an error, not an hour."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Decimal(repr(number))
        case ast.BinOp() if type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
        case ast.UnaryOp() if type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](_value(node.operand))
    raise ValueError("not arithmetic")


def _written(value: Decimal) -> str:
    """In full as long as all its digits are known, in powers of ten beyond."""
    if not value.is_finite():
        raise ValueError("no number")
    value = (value + 0).normalize()  # Without the sign of "-0".
    return f"{value:f}" if -10 < value.adjusted() < 28 else f"{value:E}"


def stream_figures(tool_context: ToolContext) -> dict[str, Any]:
    """Tell how the earlier answers of this conversation streamed, as measured by the app.

    For each answer, in order: seconds to the first chunk, seconds in all, the number of chunks
    and of characters, and the smallest and largest chunk in characters.
    """
    figures = tool_context.state.get("temp:stream_figures")
    return {"answers": figures} if figures else {"error": "No earlier answer has been measured."}


def roll_dice(count: int = 2) -> dict[str, Any]:
    """Roll dice. The visitor is asked first, and may decline.

    Args:
        count: How many, from 1 to 20.
    """
    if not 1 <= count <= 20:
        return {"error": "I have 20 dice. Ask for one at least."}
    dice = [secrets.randbelow(6) + 1 for _ in range(count)]
    return {"dice": dice, "sum": sum(dice)}


async def draw_chart(
    numbers: list[float], tool_context: ToolContext, title: str = ""
) -> dict[str, Any]:
    """Draw a chart of some numbers, which the visitor then sees.

    Args:
        numbers: From 1 to 100, in order.
        title: What they are.
    """
    if not 1 <= len(numbers) <= 100 or not all(map(math.isfinite, numbers)):
        return {"error": "I draw from 1 to 100 numbers."}
    picture = await asyncio.to_thread(_chart, numbers, title[:100])
    part = types.Part.from_bytes(data=picture, mime_type="image/png")
    await tool_context.save_artifact("chart.png", part)
    return {"saved": "chart.png"}


def _chart(numbers: list[float], title: str) -> bytes:
    from matplotlib.figure import Figure  # Here, because its import takes a second.

    figure = Figure(figsize=(6, 4), layout="tight")
    axes = figure.subplots()
    axes.bar([str(place) for place in range(1, len(numbers) + 1)], numbers)
    axes.set_title(title, parse_math=False)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120)
    return picture.getvalue()


TOOLS: list[Any] = [
    get_time,
    calculate,
    stream_figures,
    draw_chart,
    # Nothing depends on it: it is here to show how a tool asks before it runs.
    FunctionTool(roll_dice, require_confirmation=True),
]

GENERATION = types.GenerateContentConfig(temperature=0.7, max_output_tokens=2048)

tutor = Agent(
    name="tutor",
    description="Teaches a subject step by step, and checks what the learner has understood.",
    instruction=(
        "You are a patient tutor. Explain one step at a time, in plain words and with an example. "
        "End each step with one short question, and build on the answer. When the visitor wants "
        "to stop learning or talk of something else, hand back to chat_assistant."
    ),
    model=model_or_offline(os.environ.get("MODEL")),
    generate_content_config=GENERATION,
    tools=TOOLS,
)

root_agent = Agent(
    name="chat_assistant",
    description="A friendly assistant that streams its answers and uses a few real tools.",
    instruction=(
        "You are a helpful, friendly assistant in natural conversation. Be concise for simple "
        "questions and detailed for complex ones. Ask back when something is unclear. Remember "
        "what was said before. Use your tools for times, sums, charts, dice, and for how your "
        "answers streamed, and never invent such figures. When the visitor wants to learn a "
        "subject step by step, hand over to the tutor."
    ),
    model=model_or_offline(os.environ.get("MODEL")),
    generate_content_config=GENERATION,
    tools=TOOLS,
    sub_agents=[tutor],
)
